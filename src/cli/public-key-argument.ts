import { CairnError } from '../lib/errors.ts';
import { parsePublicKey, publicKeyProblem } from '../nostr/public-key.ts';

/**
 * Reads a public key from the command line.
 * @param flag the flag that it is the value of, with its dashes
 * @returns 64 lower-case hex characters
 * @throws CairnError `invalid` when it is not a public key
 */
export function publicKeyArgument(text: string, flag?: string): string {
  const key = parsePublicKey(text);
  if (key !== undefined) return key;
  const shown = text.startsWith('nsec1') ? 'this' : JSON.stringify(text);
  const prefix = flag === undefined ? '' : `${flag}: `;
  throw new CairnError('invalid', `${prefix}${shown} ${publicKeyProblem(text)}`);
}
