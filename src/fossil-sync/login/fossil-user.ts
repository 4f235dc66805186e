import { formatNpub } from '../../nostr/public-key.ts';

/**
 * Characters of an npub that name a user of Fossil. The user also stands on each check-in, so it should be short and stay the
 * same; 12 characters after the prefix are 60 bits, far more than tells the keys of one repository apart.
 */
const USER_LENGTH = 'npub1'.length + 12;

/** The name of a key as a user of Fossil: the beginning of its npub. */
export function fossilUser(publicKey: string): string {
  return formatNpub(publicKey).slice(0, USER_LENGTH);
}

/** Those keys that a user name stands for. As a rule one, or none. */
export function keysOfUser(user: string, keys: Iterable<string>): string[] {
  if (user.length !== USER_LENGTH) return [];
  return [...new Set(keys)].filter((key) => fossilUser(key) === user);
}
