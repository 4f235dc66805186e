/** What people say about themselves (NIP-01 kind 0, NIP-24). Nothing of it is verified. */
import type { NostrEvent } from '../event.ts';
import { kinds } from '../kinds.ts';
import { oneLine } from './clean-text.ts';

/** A profile whose texts are cut and fit for one line each. */
export interface Profile {
  /** Seconds. */
  readonly at: number;
  /** What the person wants to be called; absent if there is nothing that can be shown. */
  readonly name?: string;
  /** A few sentences. */
  readonly about?: string;
  /** An http or https URL. */
  readonly website?: string;
  /** An address that claims to know the key (NIP-05). It is not checked. */
  readonly nip05?: string;
}

/** Longest content that is parsed, in UTF-16 units: profiles in use have some 1,000. */
const CONTENT = 64 * 1024;
const NAME = 60;
const ABOUT = 400;
const ADDRESS = 200;

/**
 * Reads a profile. What is malformed is left out. A name that looks like a key is dropped.
 * Pictures are not read: no page loads them.
 */
export function parseProfile(event: NostrEvent): Profile {
  const at = event.created_at;
  const said = event.kind === kinds.profile ? readObject(event.content) : {};
  const text = (member: string, limit: number) => {
    const value = said[member];
    const clean = typeof value === 'string' ? oneLine(value, limit) : '';
    return clean === '' ? undefined : clean;
  };
  const name = [text('display_name', NAME), text('name', NAME)].find((found) => found && !isLikeKey(found));
  const about = text('about', ABOUT);
  const website = webAddress(text('website', ADDRESS) ?? '');
  const nip05 = text('nip05', ADDRESS);
  return {
    at,
    ...(name === undefined ? {} : { name }),
    ...(about === undefined ? {} : { about }),
    ...(website === undefined ? {} : { website }),
    ...(nip05 !== undefined && /^[\w.+-]+@[\w.-]+\.[a-z]{2,}$/i.test(nip05) ? { nip05 } : {}),
  };
}

/**
 * A form of a name in which names that look alike are mostly equal: what one person may be mistaken for another by.
 * @returns '' for a name without letters and digits
 */
export function skeleton(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
  return plain.replace(/./gu, (char) => ALIKE.get(char) ?? char);
}

/** Letters that look like Latin ones, and digits that look like letters. */
const ALIKE: ReadonlyMap<string, string> = new Map([
  ...pairs('аеорсухіјѕԁһӏвмтнк', 'aeopcyxijsdhlbmthk'),
  ...pairs('αορνικτυχε', 'aopviktuxe'),
  ...pairs('013ı|', 'oleil'),
  ['ｌ', 'l'],
  ['i', 'l'],
]);

function pairs(from: string, to: string): [string, string][] {
  const targets = [...to];
  return [...from].map((char, at) => [char, targets[at] === 'i' ? 'l' : (targets[at] ?? char)]);
}

function isLikeKey(name: string): boolean {
  return /n(?:pub|sec|profile)1|[0-9a-f]{16}/i.test(name.replace(/[^\w]/g, ''));
}

function webAddress(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
  return url.username === '' && url.password === '' ? url.href : undefined;
}

function readObject(content: string): Readonly<Record<string, unknown>> {
  if (content.length > CONTENT) return {};
  try {
    const value = JSON.parse(content) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    // A profile that cannot be read says nothing.
    return {};
  }
}
