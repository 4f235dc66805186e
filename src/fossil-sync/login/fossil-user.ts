import { formatNpub } from '../../nostr/public-key.ts';

const PREFIX = 'npub1';
/** Characters of an npub behind its prefix that name a user: 60 bits, far more than tells the keys of one repository apart. */
const CHARACTERS = 12;
/** The alphabet of npubs (bech32, BIP-173): five bits a character. */
const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/**
 * The name of a key as a user of Fossil: the beginning of its npub. It is also on each check-in, so it is short and stays the
 * same.
 */
export function fossilUser(publicKey: string): string {
  return formatNpub(publicKey).slice(0, PREFIX.length + CHARACTERS);
}

/** The keys that a user name may belong to; usually one or none. Checks a thousand keys in microseconds. */
export function keysOfUser(user: string, keys: Iterable<string>): string[] {
  const beginning = beginningOf(user);
  if (beginning === undefined) return [];
  return [...new Set(keys)].filter((key) => key.startsWith(beginning));
}

/** How the keys of a user begin, in hex: 12 characters of five bits are 15 digits of four. */
function beginningOf(user: string): string | undefined {
  const characters = user.slice(PREFIX.length);
  if (!user.startsWith(PREFIX) || characters.length !== CHARACTERS) return undefined;
  let bits = 0n;
  for (const character of characters) {
    const value = ALPHABET.indexOf(character);
    if (value === -1) return undefined;
    bits = (bits << 5n) | BigInt(value);
  }
  return bits.toString(16).padStart((CHARACTERS * 5) / 4, '0');
}
