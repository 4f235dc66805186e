/**
 * The key that signs the receipts of one repository. A receipt is addressed by (kind, key, identifier). With one key for all
 * repositories, two owners' repositories with the same identifier would overwrite each other's receipts.
 */
import { hkdfSha256 } from '../lib/hkdf.ts';
import { formatAddress } from './address.ts';
import type { EventTemplate } from './event.ts';
import { kinds } from './kinds.ts';
import { isSecretKey } from './secret-key.ts';

const salt = 'cairn repository key v1';

/** Derives bytes from a secret, a salt and an info: HKDF, except in tests. */
export type Derive = (secret: Uint8Array, salt: string, info: Uint8Array, length: number) => Uint8Array;

/**
 * The secret key of a repository: HKDF-SHA-256 of the service's secret key over the owner's public key (32 bytes), a
 * counter (1 byte) and the identifier (UTF-8). The counter is 0 unless the result is not a valid key, which happens about
 * once in 2^128 times. Every instance with the service's key derives the same key; it does not reveal the service's key.
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
 * The statement, signed by the service key, that `repositoryKey` signs the receipts of a repository. Addressable, one for
 * each repository.
 *
 * @param at seconds; always the same value, so that every instance makes the same event
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
