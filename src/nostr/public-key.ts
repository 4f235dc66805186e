import { decode, npubEncode } from 'nostr-tools/nip19';
import { isDigest } from '../lib/digest.ts';

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
  try {
    const decoded = decode(text);
    return decoded.type === 'npub' ? decoded.data : undefined;
  } catch {
    // The library throws for every malformed text: it is not a key.
    return undefined;
  }
}

/** The `npub1…` form of a public key in hex. */
export function formatNpub(publicKey: string): string {
  return npubEncode(publicKey);
}
