/**
 * The key that signs the receipts of one repository. A receipt is addressed by (kind, key, identifier): with one key for
 * all, the repositories of two owners with one identifier would overwrite one another's.
 */
import { hkdfSha256 } from '../lib/hkdf.ts';
import { formatAddress } from './address.ts';
import type { EventTemplate } from './event.ts';
import { kinds } from './kinds.ts';
import { isSecretKey } from './secret-key.ts';

const salt = 'cairn repository key v1';

/** Derives 32 bytes from a secret, a salt and an info: HKDF unless a test brings its own. */
export type Derive = (secret: Uint8Array, salt: string, info: Uint8Array, length: number) => Uint8Array;

/**
 * The secret key of a repository: HKDF-SHA-256 of the service's secret key over the owner's public key (32 bytes), a
 * counter (1 byte) and the identifier (UTF-8). The counter is 0 unless the result is no valid key, which happens about
 * once in 2^128 times. The same from every instance that knows the service's key, and of no use to find that one.
 *
 * @param serviceSecret and @param owner 64 lower-case hex characters
 * @returns 64 lower-case hex characters
 */
export function repositorySecret(
  serviceSecret: string,
  owner: string,
  identifier: string,
  derive: Derive = hkdfSha256,
): string {
  for (let counter = 0; counter < 256; counter += 1) {
    const info = Buffer.concat([Buffer.from(owner, 'hex'), Buffer.from([counter]), Buffer.from(identifier)]);
    const candidate = Buffer.from(derive(Buffer.from(serviceSecret, 'hex'), salt, info, 32)).toString('hex');
    if (isSecretKey(candidate)) return candidate;
  }
  throw new Error('no valid key in 256 tries, which cannot happen by chance');
}

/**
 * The statement, to be signed by the service key, that `repositoryKey` signs the receipts of a repository. Addressable,
 * one per repository.
 *
 * @param at seconds; the same value every time makes it the same event from every instance
 */
export function attestationTemplate(
  owner: string,
  identifier: string,
  repositoryKey: string,
  at: number,
): EventTemplate {
  const address = formatAddress({ kind: kinds.repository, pubkey: owner, identifier });
  return {
    kind: kinds.applicationData,
    created_at: at,
    tags: [
      ['d', `cairn/receipts/${owner}:${identifier}`],
      ['a', address],
      ['p', repositoryKey],
      ['alt', 'names the key that signs the state of this repository as this service publishes it'],
    ],
    content: '',
  };
}
