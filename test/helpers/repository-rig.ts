import { sha256 } from '../../src/lib/digest.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import type { ArtifactStore } from '../../src/repository/artifact-store.ts';
import type { ArtifactCache } from '../../src/repository/cache/artifact-cache.ts';
import type { RangedDownloads } from '../../src/repository/cache/artifact-download.ts';
import {
  emptyState,
  type GitManifest,
  type GitState,
  type PackEntry,
  type PublishedGitState,
} from '../../src/repository/git/git-manifest.ts';
import { GitRepository, type GitRepositoryContext } from '../../src/repository/git/git-repository.ts';
import { pointerKey } from '../../src/repository/keys.ts';
import type { ManifestStore } from '../../src/repository/manifest-store.ts';
import type { OnPublished, PublishObserver } from '../../src/repository/publisher.ts';
import type { Repositories } from '../../src/repository/repositories.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { SnapshotCache } from '../../src/repository/snapshot/snapshot-cache.ts';
import { buildRepositories } from '../../src/server/open-repositories.ts';
import { FaultyStore } from './faulty-store.ts';
import { InstantClock } from './instant-clock.ts';
import { SeededRandom } from './seeded-random.ts';

export const ID: RepositoryId = repositoryId('a'.repeat(64), 'rig');
export const INCARNATION = '1'.repeat(32);

/** An object id of one repeated digit, for tests that look into no object. */
export function oid(digit: string): string {
  return digit.repeat(40);
}

/** A state without refs, with what is given put over it. */
export function stateOf(parts: Partial<GitState> = {}): GitState {
  return { ...emptyState(ID.identifier, 'sha1', INCARNATION), ...parts };
}

/** A valid first manifest, with what is given put over it. */
export function manifestOf(parts: Partial<GitManifest> = {}): GitManifest {
  return {
    version: 1,
    ...stateOf(),
    causes: [{ kind: 'push', actor: null, evidence: null, refs: [] }],
    receiptAt: 1_700_000_000,
    parent: null,
    depth: 0,
    ...parts,
  };
}

/** What a manifest says about a pack that no test reads; the name makes its digests. */
export function packOf(name: string, parts: Partial<PackEntry> = {}): PackEntry {
  const ref = (kind: string) => ({ digest: sha256(`${name}.${kind}`), size: 1 });
  return { kind: 'push', objects: 1, pack: ref('pack'), idx: ref('idx'), ...parts };
}

export interface RigOptions {
  readonly store?: ObjectStore;
  readonly patience?: number;
  readonly seed?: number;
  readonly clock?: InstantClock;
  /** Folder for the artifact cache and snapshots; without one, nothing may ask for them. */
  readonly folder?: string;
  readonly cacheBudget?: number;
  /** Downloads in ranges; left out, every artifact is one request. */
  readonly ranged?: RangedDownloads;
}

/** Everything of the repository layer, over one store with faults, without a server. */
export class RepositoryRig {
  readonly store: FaultyStore;
  readonly clock: InstantClock;
  readonly random: SeededRandom;
  readonly artifacts: ArtifactStore;
  readonly manifests: ManifestStore<GitManifest>;
  readonly cache: ArtifactCache;
  readonly snapshots: SnapshotCache;
  readonly repositories: Repositories;

  constructor(options: RigOptions = {}) {
    const { store = new MemoryObjectStore(), patience = 10_000, seed = 1, folder = '/nowhere' } = options;
    this.store = store instanceof FaultyStore ? store : new FaultyStore(store);
    this.random = new SeededRandom(seed);
    this.clock = options.clock ?? new InstantClock();
    const { clock, random } = this;
    const opened = buildRepositories({
      stores: { control: this.store, bulk: this.store },
      clock,
      random,
      swapPatience: patience,
      cache: {
        folder,
        budget: options.cacheBudget ?? 2 ** 30,
        ...(options.ranged === undefined ? {} : { ranged: options.ranged }),
      },
    });
    this.artifacts = opened.artifacts;
    this.manifests = opened.manifests;
    this.cache = opened.cache;
    this.snapshots = opened.snapshots;
    this.repositories = opened.repositories;
  }

  private get context(): GitRepositoryContext {
    const { store: control, manifests, snapshots, clock, random } = this;
    return { control, manifests, snapshots, clock, random, swapPatience: 10_000 };
  }

  get repository() {
    return this.repositories.get(ID);
  }

  /** The repository with an observer of its publishes. */
  observing(publishObserver: PublishObserver): GitRepository {
    return new GitRepository(ID, { ...this.context, publishObserver });
  }

  /** The repository with somebody who hears of its publishes. */
  listening(onPublished: OnPublished<GitManifest>): GitRepository {
    return new GitRepository(ID, { ...this.context, onPublished });
  }

  /** Writes a manifest and points the pointer at it, as another server would. */
  async publish(
    manifest: GitManifest,
    over?: PublishedGitState,
    id: RepositoryId = ID,
  ): Promise<PublishedGitState> {
    const encoded = await this.manifests.write(id, await this.manifests.encode(manifest));
    const body = Buffer.from(encoded.digest);
    const mode =
      over === undefined
        ? ({ mode: 'create' } as const)
        : ({ mode: 'replace', version: over.version } as const);
    const put = await this.store.put(pointerKey(id), body, mode);
    if (put.outcome !== 'written') throw new Error(`the rig could not publish: ${put.outcome}`);
    return { version: put.version, digest: encoded.digest, manifest: encoded.manifest };
  }

  /** Publishes a manifest on top of another, with what is given put over it. */
  async publishOver(over: PublishedGitState, parts: Partial<GitManifest> = {}): Promise<PublishedGitState> {
    return this.publish(childOf(over, parts), over);
  }

  /** Forgets everything read so far, as a server that has just started. */
  cold(): RepositoryRig {
    return new RepositoryRig({ store: this.store });
  }
}

/** A manifest on top of another, with what is given put over it. */
export function childOf(over: PublishedGitState, parts: Partial<GitManifest> = {}): GitManifest {
  return {
    ...over.manifest,
    parent: over.digest,
    depth: over.manifest.depth + 1,
    receiptAt: over.manifest.receiptAt + 1,
    ...parts,
  };
}
