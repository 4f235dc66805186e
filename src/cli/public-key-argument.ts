import { CairnError } from '../lib/errors.ts';
import { parsePublicKey } from '../nostr/public-key.ts';

/**
 * Reads a public key from the command line.
 * @returns 64 lower-case hex characters
 * @throws CairnError `invalid` when it is not a public key
 */
export function publicKeyArgument(text: string): string {
  const key = parsePublicKey(text);
  if (key !== undefined) return key;
  throw new CairnError('invalid', `${JSON.stringify(text)} is neither an npub nor 64 hex characters`);
}
