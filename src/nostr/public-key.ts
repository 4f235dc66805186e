import { decode, npubEncode } from 'nostr-tools/nip19';
import { isDigest } from '../lib/digest.ts';
import { LruMap } from '../lib/lru.ts';

/** Keys whose forms are remembered: to encode or decode one takes longer than to find the page of a repository. */
const REMEMBERED = 1_024;

/** Each npub by its key in hex, and the other way round. */
const npubs = new LruMap<string, string>(REMEMBERED);
const keys = new LruMap<string, string>(REMEMBERED);

/** True for a public key as in events: 64 lower-case hex characters. Does not check that it is on the curve. */
export function isPublicKey(text: string): boolean {
  return isDigest(text);
}

/**
 * Parses a public key as people write it: 64 hex characters, or `npub1…` (NIP-19).
 * @returns 64 lower-case hex characters, or undefined when it is neither
 */
export function parsePublicKey(text: string): string | undefined {
  if (isPublicKey(text)) return text;
  if (!text.startsWith('npub1')) return undefined;
  const known = keys.get(text);
  if (known !== undefined) return known;
  try {
    const decoded = decode(text);
    if (decoded.type !== 'npub') return undefined;
    // The text may be a part of a long one, which is not to be kept with it.
    if (formatNpub(decoded.data) === text) keys.set(formatNpub(decoded.data), decoded.data, 1);
    return decoded.data;
  } catch {
    // The library throws for every malformed text: it is not a key.
    return undefined;
  }
}

/** What is wrong with a text that {@link parsePublicKey} does not take; follows the text, or what it is. */
export function publicKeyProblem(text: string): string {
  if (text.startsWith('npub1')) return 'is not a valid npub: a character is wrong or missing';
  if (/^nsec1/.test(text))
    return 'is a secret key: give the public one (npub1…), and show the secret one to nobody';
  return 'is neither an npub nor a public key of 64 lower-case hex characters';
}

/** The `npub1…` form of a public key in hex. */
export function formatNpub(publicKey: string): string {
  const known = npubs.get(publicKey);
  if (known !== undefined) return known;
  const npub = npubEncode(publicKey);
  // The same for a key that is a part of a text.
  const key = Buffer.from(publicKey).toString();
  npubs.set(key, npub, 1);
  return npub;
}
