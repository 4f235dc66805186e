/**
 * Credentials of mirrors, encrypted: AES-256-GCM with a key that is derived from the key of the service (HKDF). The
 * repository, the mirror and the host are part of what is authenticated, so what is sealed for one mirror opens for no
 * other one, and for no other host.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { CairnError } from '../../lib/errors.ts';
import { hkdfSha256 } from '../../lib/hkdf.ts';
import type { Random } from '../../lib/random.ts';
import { isSecretKey } from '../../nostr/secret-key.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';

const SALT = 'cairn mirror credentials v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Longest user name, password or token, in characters. */
const MAX_SECRET = 4_096;

const secret = z.string().min(1).max(MAX_SECRET);

/** What a mirror shows to its remote. */
export const mirrorCredential = z.discriminatedUnion('kind', [
  /** HTTP Basic. The password may be a token of the host. */
  z.strictObject({ kind: z.literal('basic'), username: secret, password: secret }),
  z.strictObject({ kind: z.literal('bearer'), token: secret }),
  /** Signs a NIP-98 token for each request with this secret key, 64 hex characters: for servers like this one. */
  z.strictObject({
    kind: z.literal('nostr'),
    secretKey: z.string().refine(isSecretKey, 'is not a secret key'),
  }),
]);

export type MirrorCredential = z.infer<typeof mirrorCredential>;

/** What a credential is bound to. */
export interface SealedFor {
  readonly repository: RepositoryId;
  /** The id of the mirror. */
  readonly mirror: string;
  /** With the scheme, and the port where it is not the default: `https://git.example.org`. */
  readonly host: string;
}

export class SealedCredentials {
  private readonly key: Buffer;
  private readonly random: Random;

  /** @param serviceKey the secret key of the service, 64 hex characters */
  constructor(serviceKey: string, random: Random) {
    this.key = hkdfSha256(Buffer.from(serviceKey, 'hex'), SALT, Buffer.alloc(0), 32);
    this.random = random;
  }

  /** Encrypts a credential. The result is text that can be stored. */
  seal(credential: MirrorCredential, bound: SealedFor): string {
    const nonce = Buffer.from(this.random.hex(NONCE_BYTES), 'hex');
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(boundTo(bound));
    const text = Buffer.concat([cipher.update(JSON.stringify(credential), 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64');
  }

  /**
   * Decrypts a credential.
   * @throws CairnError `unauthenticated` when the service has another key now, or the credential belongs to something
   * else: it has to be given again
   */
  open(sealed: string, bound: SealedFor): MirrorCredential {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', this.key, nonce, { authTagLength: TAG_BYTES })
        .setAAD(boundTo(bound))
        .setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      const body = bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES);
      const text = Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
      return mirrorCredential.parse(JSON.parse(text));
    } catch (error) {
      throw new CairnError(
        'unauthenticated',
        'the stored credential cannot be read with the key that this service has now: add the mirror again with its credential',
        { cause: error },
      );
    }
  }
}

function boundTo({ repository, mirror, host }: SealedFor): Buffer {
  const { owner, identifier } = repository;
  return Buffer.from(canonicalJson({ owner, identifier, mirror, host }));
}
