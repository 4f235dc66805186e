/** Nostr events (NIP-01): their shape, how they are parsed, and how the id is computed. */
import { isDigest, isHex, sha256 } from '../lib/digest.ts';
import { type Parsed, parsed, type Refused, refused } from './parsed.ts';
import { isPublicKey } from './public-key.ts';

/** A tag: its name, then its values. */
export type Tag = readonly string[];

/** What an author decides; signing adds the rest. */
export interface EventTemplate {
  readonly kind: number;
  /** Seconds since the epoch. */
  readonly created_at: number;
  readonly tags: readonly Tag[];
  readonly content: string;
}

/** An event with its names on the wire. Its shape is valid; its signature may not be. */
export interface NostrEvent extends EventTemplate {
  readonly id: string;
  readonly pubkey: string;
  readonly sig: string;
}

/** What decides where an event belongs: everything but content and signature. */
export type EventHead = Omit<NostrEvent, 'content' | 'sig'>;

declare const verified: unique symbol;

/** An event whose id and signature are valid. Only verifiers and signers make one. */
export type VerifiedEvent = NostrEvent & { readonly [verified]: true };

/** How large an event may be. Sizes are in bytes of UTF-8. */
export interface EventLimits {
  readonly maxTags: number;
  /** How many elements one tag may have, its name included. */
  readonly maxTagElements: number;
  readonly maxContentBytes: number;
  /** Content and all tags together. */
  readonly maxBytes: number;
}

/** Enough for the state of a repository with some 4,000 refs, and for patches far above the recommended 60 kB. */
export const defaultEventLimits: EventLimits = {
  maxTags: 5_000,
  maxTagElements: 1_000,
  maxContentBytes: 256 * 1024,
  maxBytes: 512 * 1024,
};

export const maxKind = 65_535;

const SIGNATURE_LENGTH = 128;

/**
 * Parses an event from foreign JSON. Checks the shape only, neither the id nor the signature.
 * @returns an event with the seven fields; any others are dropped
 */
export function parseEvent(value: unknown, limits: EventLimits = defaultEventLimits): Parsed<NostrEvent> {
  if (!isObject(value)) return refused('an event is a JSON object');
  const { id, pubkey, created_at, kind, tags, content, sig } = value;
  if (typeof id !== 'string' || !isDigest(id)) return refused('the id is not 64 lower-case hex characters');
  if (typeof pubkey !== 'string' || !isPublicKey(pubkey)) {
    return refused('the pubkey is not 64 lower-case hex characters');
  }
  if (typeof sig !== 'string' || sig.length !== SIGNATURE_LENGTH || !isHex(sig)) {
    return refused('the sig is not 128 lower-case hex characters');
  }
  if (!isCount(kind) || kind > maxKind) return refused(`the kind is not an integer from 0 to ${maxKind}`);
  if (!isCount(created_at)) return refused('created_at is not a whole number of seconds');
  if (typeof content !== 'string') return refused('the content is not a string');
  if (!content.isWellFormed()) return refused('the content is not valid UTF-8');
  const contentBytes = Buffer.byteLength(content);
  if (contentBytes > limits.maxContentBytes) {
    return refused(`the content is longer than ${limits.maxContentBytes} bytes`);
  }
  const problem = tagsProblem(tags, limits, limits.maxBytes - contentBytes);
  if (problem !== undefined) return problem;
  return parsed({ id, pubkey, created_at, kind, tags: tags as Tag[], content, sig });
}

/** @param room how many bytes all tags together may have */
function tagsProblem(tags: unknown, limits: EventLimits, room: number): Refused | undefined {
  if (!Array.isArray(tags)) return refused('the tags are not an array');
  if (tags.length > limits.maxTags) return refused(`there are more than ${limits.maxTags} tags`);
  let bytes = 0;
  for (const tag of tags as unknown[]) {
    if (!Array.isArray(tag) || tag.length === 0)
      return refused('a tag is not an array of one or more strings');
    if (tag.length > limits.maxTagElements) {
      return refused(`a tag has more than ${limits.maxTagElements} elements`);
    }
    for (const element of tag as unknown[]) {
      if (typeof element !== 'string') return refused('a tag is not an array of one or more strings');
      if (!element.isWellFormed()) return refused('a tag is not valid UTF-8');
      bytes += Buffer.byteLength(element);
    }
  }
  if (bytes > room) return refused(`the event is larger than ${limits.maxBytes} bytes`);
  return undefined;
}

/**
 * The text whose SHA-256 is the id of an event (NIP-01). NIP-01 lists seven characters to escape and wants all others
 * verbatim. But every implementation in use writes the other control characters as `\u00xx`, as JSON requires, and so does
 * this one.
 */
export function serializeEvent(event: EventTemplate & { readonly pubkey: string }): string {
  return JSON.stringify([0, event.pubkey, event.created_at, event.kind, event.tags, event.content]);
}

/** The id that an event must have: 64 lower-case hex characters. */
export function eventId(event: EventTemplate & { readonly pubkey: string }): string {
  return sha256(serializeEvent(event));
}

/** The JSON of an event on the wire: the seven fields and nothing else. */
export function encodeEvent(event: NostrEvent): string {
  const { id, pubkey, created_at, kind, tags, content, sig } = event;
  return JSON.stringify({ id, pubkey, created_at, kind, tags, content, sig });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
