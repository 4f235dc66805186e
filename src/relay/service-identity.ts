/** The identity of the service: the key it signs with, and the keys of repositories, which are derived from it. */
import { CairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import { formatNpub } from '../nostr/public-key.ts';
import { repositorySecret } from '../nostr/repository-key.ts';
import type { Secp256k1 } from '../nostr/secp256k1.ts';
import { createSigner, type Signer } from '../nostr/sign.ts';
import type { Policy } from '../repository/manifest.ts';
import { claimBucket, type ServiceRecordContext } from '../repository/records/service-record.ts';
import { formatRepositoryId, type RepositoryId } from '../repository/repository-id.ts';

/** How many repositories' signers are cached; making one costs about a millisecond. */
const REMEMBERED = 10_000;

export class ServiceIdentity {
  /** Signs for the service itself. */
  readonly signer: Signer;
  private readonly secret: string;
  private readonly library: Secp256k1 | undefined;
  private readonly signers = new LruMap<string, Signer>(REMEMBERED);

  /**
   * @param secretKey of the service, 64 lower-case hex characters
   * @param library signs faster than JavaScript, with the same bytes
   * @throws CairnError `invalid` when it is no secret key
   */
  constructor(secretKey: string, library?: Secp256k1) {
    this.library = library;
    this.signer = createSigner(secretKey, library);
    this.secret = secretKey;
  }

  /** The public key of the service: `self` in its relay information. */
  get publicKey(): string {
    return this.signer.publicKey;
  }

  /** Signs the receipts of one repository. */
  signerOf(id: RepositoryId): Signer {
    const name = formatRepositoryId(id);
    const known = this.signers.get(name);
    if (known !== undefined) return known;
    const signer = createSigner(repositorySecret(this.secret, id.owner, id.identifier), this.library);
    this.signers.set(name, signer, 1);
    return signer;
  }

  /**
   * True when the key of a repository may write to it. Clients then treat its receipts like a maintainer's signed states;
   * otherwise its receipts only testify.
   */
  receiptsAreAuthoritative(id: RepositoryId, policy: Policy): boolean {
    return policy.writers.includes(this.signerOf(id).publicKey);
  }
}

/**
 * Claims the bucket for this service. Fails if it belongs to another one: servers with different keys would sign different
 * receipts for the same repositories, and nobody would notice.
 *
 * @param publicKey of the service
 * @throws CairnError `conflict` when the bucket belongs to another service; `unavailable` when the store does not answer
 */
export async function claimService(context: ServiceRecordContext, publicKey: string): Promise<void> {
  const owner = await claimBucket(context, publicKey);
  if (owner === publicKey) return;
  throw new CairnError(
    'conflict',
    `this bucket belongs to the service ${formatNpub(owner)}: give all its servers the same key file`,
  );
}
