/** Filters (NIP-01): parsed from foreign JSON, and matched against events. */
import { isDigest } from '../lib/digest.ts';
import { maxKind, type NostrEvent } from './event.ts';
import { parsed, type Refused } from './parsed.ts';

/**
 * All conditions must match. A list matches when one of its values does; an empty list never matches.
 *
 * `limit` is not a condition: it bounds how many stored events an answer begins with, the newest ones. It does not affect
 * later events; with 0 the subscription gets only those. The relay lowers it to its own maximum.
 */
export interface Filter {
  readonly ids?: ReadonlySet<string>;
  readonly authors?: ReadonlySet<string>;
  readonly kinds?: ReadonlySet<number>;
  /** By letter, upper and lower case: the first value of some tag with that name must be one of these. */
  readonly tags: ReadonlyMap<string, ReadonlySet<string>>;
  /** Seconds, inclusive. */
  readonly since?: number;
  /** Seconds, inclusive. */
  readonly until?: number;
  readonly limit?: number;
}

export interface FilterLimits {
  /** How many values all lists of one filter may have together. */
  readonly maxValues: number;
  /** Maximum length of a tag's value, in bytes of UTF-8. */
  readonly maxValueBytes: number;
}

export const defaultFilterLimits: FilterLimits = { maxValues: 2_000, maxValueBytes: 1_024 };

/** Why a filter cannot be used. A condition that this relay does not know is `unsupported`: it may be valid elsewhere. */
export interface FilterRefused extends Refused {
  readonly prefix: 'invalid' | 'unsupported';
}

export type ParsedFilter = { readonly ok: true; readonly value: Filter } | FilterRefused;

/** Tags whose values are ids or keys and must be complete. */
const exactTags = new Set(['e', 'p']);

/**
 * Parses a filter from foreign JSON. An unknown condition is refused, not ignored: otherwise the answer would contain events
 * that the client wanted to exclude.
 */
export function parseFilter(value: unknown, limits: FilterLimits = defaultFilterLimits): ParsedFilter {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('invalid', 'a filter is a JSON object');
  }
  const tags = new Map<string, ReadonlySet<string>>();
  const filter: { -readonly [Key in keyof Filter]: Filter[Key] } = { tags };
  let room = limits.maxValues;
  for (const [key, member] of Object.entries(value) as [string, unknown][]) {
    if (Array.isArray(member)) {
      room -= member.length;
      if (room < 0) return refuse('invalid', `a filter has more than ${limits.maxValues} values`);
    }
    const [, letter] = /^#([A-Za-z])$/.exec(key) ?? [];
    if (key === 'ids' || key === 'authors') {
      if (!isListOf(member, isExact))
        return refuse('invalid', `${key} is not a list of 64 lower-case hex characters`);
      filter[key] = new Set(member);
    } else if (key === 'kinds') {
      if (!isListOf(member, isKind))
        return refuse('invalid', `kinds is not a list of integers from 0 to ${maxKind}`);
      filter.kinds = new Set(member);
    } else if (key === 'since' || key === 'until' || key === 'limit') {
      if (!isCount(member)) return refuse('invalid', `${key} is not a whole number`);
      filter[key] = member;
    } else if (letter === undefined) {
      return refuse('unsupported', 'filter contains unknown elements');
    } else if (exactTags.has(letter)) {
      if (!isListOf(member, isExact))
        return refuse('invalid', `${key} is not a list of 64 lower-case hex characters`);
      tags.set(letter, new Set(member));
    } else {
      if (!isListOf(member, isString)) return refuse('invalid', `${key} is not a list of strings`);
      if (member.some((text) => Buffer.byteLength(text) > limits.maxValueBytes)) {
        return refuse('invalid', `a value of ${key} is longer than ${limits.maxValueBytes} bytes`);
      }
      tags.set(letter, new Set(member));
    }
  }
  return parsed(filter);
}

/** True when every condition of the filter matches the event. `limit` is ignored. */
export function matches(filter: Filter, event: NostrEvent): boolean {
  if (!matchesFields(filter, event)) return false;
  for (const [letter, wanted] of filter.tags) {
    const found = event.tags.some(
      ([name, value]) => name === letter && value !== undefined && wanted.has(value),
    );
    if (!found) return false;
  }
  return true;
}

/** {@link matches} for one event and many filters: the tags of the event are indexed once. */
export function matcherOf(event: NostrEvent): (filter: Filter) => boolean {
  const values = new Map<string, Set<string>>();
  for (const [name = '', value] of event.tags) {
    if (name.length !== 1 || value === undefined) continue;
    const known = values.get(name);
    if (known === undefined) values.set(name, new Set([value]));
    else known.add(value);
  }
  return (filter) => {
    if (!matchesFields(filter, event)) return false;
    for (const [letter, wanted] of filter.tags) {
      const found = values.get(letter);
      if (found === undefined || !haveCommon(found, wanted)) return false;
    }
    return true;
  };
}

function haveCommon(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  const [few, many] = one.size < other.size ? [one, other] : [other, one];
  for (const value of few) if (many.has(value)) return true;
  return false;
}

function matchesFields(filter: Filter, event: NostrEvent): boolean {
  if (filter.ids?.has(event.id) === false) return false;
  if (filter.kinds?.has(event.kind) === false) return false;
  if (filter.authors?.has(event.pubkey) === false) return false;
  if (filter.since !== undefined && event.created_at < filter.since) return false;
  return filter.until === undefined || event.created_at <= filter.until;
}

function isListOf<T>(value: unknown, is: (member: unknown) => member is T): value is T[] {
  return Array.isArray(value) && value.every(is);
}

function isExact(value: unknown): value is string {
  return typeof value === 'string' && isDigest(value);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isKind(value: unknown): value is number {
  return isCount(value) && value <= maxKind;
}

function refuse(prefix: FilterRefused['prefix'], reason: string): FilterRefused {
  return { ok: false, prefix, reason };
}
