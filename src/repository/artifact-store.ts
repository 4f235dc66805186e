import type { Clock } from '../lib/clock.ts';
import { sha256 } from '../lib/digest.ts';
import { becauseOf, type CairnError, isCairnError, messageOf, publicError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { readAll } from '../lib/streams.ts';
import type {
  GetOptions,
  GetResult,
  ObjectBody,
  ObjectStore,
  ObjectStorePair,
  PutOutcome,
} from '../object-store/object-store.ts';
import { bodyLength } from '../object-store/object-store.ts';
import { type ArtifactKind, type ArtifactName, artifactFileName, artifactKey, firstCopy } from './keys.ts';
import type { ArtifactRef } from './manifest.ts';
import { rescueFromTombstones } from './records/tombstones.ts';
import type { RepositoryPlace } from './repository-id.ts';

/** How often a write of an artifact is sent. Resending is safe, because the name is the digest of the content. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 50;

export interface ArtifactStoreOptions {
  readonly stores: ObjectStorePair;
  readonly clock: Clock;
  readonly random: Random;
}

/** Immutable objects of a repository, named by digest. Manifests use the control connections, the rest uses bulk. */
export class ArtifactStore {
  private readonly stores: ObjectStorePair;
  private readonly clock: Clock;
  private readonly random: Random;

  constructor(options: ArtifactStoreOptions) {
    this.stores = options.stores;
    this.clock = options.clock;
    this.random = options.random;
  }

  /** Whether large files are kept themselves, as far as they are on the same disk (see `ObjectStorePair`). */
  get keepsFiles(): boolean {
    return this.stores.keepsFiles === true;
  }

  /**
   * Makes an artifact durable under its digest. An existing artifact is as good as a new one, once no collector can
   * delete it: it is removed from the tombstones, then its existence is checked. An artifact that is already
   * condemned is stored again as another copy, `n`.
   * @param body a whole file must not be changed any more: a store on the same disk keeps the file itself, under another link
   * @param options `generation`: of the repository, see `firstCopy`
   * @returns the name for a manifest
   * @throws CairnError `unavailable` when the store does not accept it
   */
  async put(
    id: RepositoryPlace,
    kind: ArtifactKind,
    digest: string,
    body: ObjectBody,
    options: { readonly generation?: number | undefined; readonly signal?: AbortSignal } = {},
  ): Promise<ArtifactRef> {
    const { generation, signal } = options;
    const size = bodyLength(body);
    for (let n = firstCopy(generation); ; n++) {
      const name: ArtifactName = n === 0 ? { digest, kind } : { digest, kind, n };
      const stored = await this.putCopy(id, name, body, signal);
      if (stored === 'written') return n === 0 ? { digest, size } : { digest, size, n };
      const rescued = await rescueFromTombstones(this.stores.control, id, artifactFileName(name), signal);
      if (rescued === 'condemned') continue;
      const head = await this.storeFor(kind).head(
        artifactKey(id, name),
        signal === undefined ? {} : { signal },
      );
      if (head.found && head.size === size) return n === 0 ? { digest, size } : { digest, size, n };
      // Deleted between the two checks, or of another size and so not the same artifact: write it again, as another
      // copy if needed.
      if (!head.found && (await this.putCopy(id, name, body, signal)) === 'written') {
        return n === 0 ? { digest, size } : { digest, size, n };
      }
    }
  }

  private async putCopy(
    id: RepositoryPlace,
    name: ArtifactName,
    body: ObjectBody,
    signal?: AbortSignal,
  ): Promise<'written' | 'exists'> {
    let cause: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0)
        await this.clock.sleep(FIRST_PAUSE_MS * 2 ** attempt * (0.5 + this.random.fraction()), signal);
      const outcome = await this.tryPut(id, name, body, signal);
      if (outcome.outcome === 'written' || outcome.outcome === 'exists') return outcome.outcome;
      cause = outcome.outcome === 'unknown' ? outcome.cause : outcome.outcome;
      signal?.throwIfAborted();
    }
    throw becauseOf('unavailable', `the object store did not accept ${artifactFileName(name)}`, cause);
  }

  /** A write that certainly failed and a write with unknown outcome are repeated in the same way. */
  private async tryPut(
    id: RepositoryPlace,
    name: ArtifactName,
    body: ObjectBody,
    signal?: AbortSignal,
  ): Promise<PutOutcome> {
    const options = signal === undefined ? {} : { signal };
    // The key is the digest of the body.
    const final = body instanceof Uint8Array ? body : { ...body, final: true as const };
    try {
      return await this.storeFor(name.kind).put(artifactKey(id, name), final, { mode: 'create' }, options);
    } catch (error) {
      return { outcome: 'unknown', cause: error };
    }
  }

  /**
   * Opens an artifact, or a range of it, for reading. The caller checks the digest.
   * @throws CairnError `corrupt` when a manifest names it and the store lacks it, or has it in another size
   */
  async open(
    id: RepositoryPlace,
    kind: ArtifactKind,
    ref: ArtifactRef,
    options: Pick<GetOptions, 'range' | 'signal'> = {},
  ): Promise<Extract<GetResult, { found: true }>> {
    const name = nameOf(kind, ref);
    const result = await this.storeFor(kind).get(artifactKey(id, name), options);
    if (!result.found) throw missingArtifact(id, name);
    if (result.size !== ref.size) {
      result.body.destroy();
      throw damagedArtifact(id, name, `it has ${result.size} bytes instead of ${ref.size}`);
    }
    return result;
  }

  /**
   * Reads a small artifact and verifies its digest.
   * @throws CairnError `corrupt` when it is missing, or does not match its digest
   */
  async read(
    id: RepositoryPlace,
    kind: ArtifactKind,
    digest: string,
    limit: number,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const name: ArtifactName = { digest, kind };
    const result = await this.storeFor(kind).get(
      artifactKey(id, name),
      signal === undefined ? {} : { signal },
    );
    if (!result.found) throw missingArtifact(id, name);
    let bytes: Buffer;
    try {
      bytes = await readAll(result.body, limit);
    } catch (error) {
      if (isCairnError(error, 'too-large')) throw damagedArtifact(id, name, messageOf(error));
      if (isCairnError(error)) throw error;
      throw becauseOf(
        'unavailable',
        `the object store broke off while reading ${artifactFileName(name)}`,
        error,
      );
    }
    if (sha256(bytes) !== digest) throw damagedArtifact(id, name, 'its bytes do not match its digest');
    return bytes;
  }

  /** @throws CairnError `corrupt` when the store lacks the artifact, or has it in another size */
  async mustExist(id: RepositoryPlace, kind: ArtifactKind, ref: ArtifactRef): Promise<void> {
    const name = nameOf(kind, ref);
    const head = await this.storeFor(kind).head(artifactKey(id, name));
    if (!head.found) throw missingArtifact(id, name);
    if (head.size !== ref.size)
      throw damagedArtifact(id, name, `it has ${head.size} bytes instead of ${ref.size}`);
  }

  private storeFor(kind: ArtifactKind): ObjectStore {
    return kind === 'json' ? this.stores.control : this.stores.bulk;
  }
}

export function nameOf(kind: ArtifactKind, ref: ArtifactRef): ArtifactName {
  return ref.n === undefined ? { digest: ref.digest, kind } : { digest: ref.digest, kind, n: ref.n };
}

/**
 * Names the artifact by its key in the documented layout, which reveals no more than the URL did, and without the
 * prefix of the bucket.
 */
export function missingArtifact(id: RepositoryPlace, name: ArtifactName): CairnError {
  return publicError(
    'corrupt',
    `the repository is damaged: the object store has no ${artifactKey(id, name)}`,
  );
}

/** @param problem public, like the key */
export function damagedArtifact(id: RepositoryPlace, name: ArtifactName, problem: string): CairnError {
  return publicError('corrupt', `the repository is damaged: ${artifactKey(id, name)}: ${problem}`);
}
