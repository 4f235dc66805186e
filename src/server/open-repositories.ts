import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { ClosingStack } from '../lib/closing-stack.ts';
import type { Random } from '../lib/random.ts';
import { type ScratchFiles, temporaryScratch } from '../lib/scratch-files.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import { ArtifactStore } from '../repository/artifact-store.ts';
import { ArtifactCache, type CacheObserver } from '../repository/cache/artifact-cache.ts';
import type { RangedDownloads } from '../repository/cache/artifact-download.ts';
import { Bags } from '../repository/fossil/bags.ts';
import { CheckInLocks } from '../repository/fossil/check-in-locks.ts';
import { ContentCache } from '../repository/fossil/content-cache.ts';
import { fossilKind } from '../repository/fossil/fossil-kind.ts';
import type { FossilManifest } from '../repository/fossil/fossil-manifest.ts';
import { FossilRepository } from '../repository/fossil/fossil-repository.ts';
import { PackReader } from '../repository/fossil/pack-reader.ts';
import { gitKind } from '../repository/git/git-kind.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import { GitRepository } from '../repository/git/git-repository.ts';
import { ManifestStore } from '../repository/manifest-store.ts';
import type { OnPublished, PublishObserver } from '../repository/publisher.ts';
import { Repositories } from '../repository/repositories.ts';
import { RepositoriesOfAllKinds } from '../repository/repositories-of-all-kinds.ts';
import { SnapshotCache } from '../repository/snapshot/snapshot-cache.ts';

/** The local disk cache of artifacts and snapshots. */
export interface CacheParts {
  /** Folder that holds both. Created if needed. */
  readonly folder: string;
  /** Bytes of artifacts. */
  readonly budget: number;
  /** Downloads in ranges. If absent, each artifact is one request. */
  readonly ranged?: RangedDownloads;
  readonly observer?: CacheObserver;
  /** Called when the disk is full; frees what it can. */
  readonly onDiskFull?: () => Promise<void>;
}

/** Memory for Fossil repositories, in bytes. */
export interface FossilMemory {
  /** For what is derived from published states. */
  readonly bags: number;
  /** For small packs. */
  readonly packs: number;
  /** For contents of artifacts. 0: none is kept. */
  readonly contents: number;
}

/** Contents of artifacts that are kept at most. */
const MOST_CONTENTS = 100_000;

const MiB = 1 << 20;

/** Bytes on disk of large messages, contents and replies of Fossil. */
export const SCRATCH_BYTES = 4 * 1024 * MiB;

/** What a server keeps in memory of Fossil repositories, unless it is told otherwise. */
export const FOSSIL_MEMORY: FossilMemory = { bags: 96 * MiB, packs: 16 * MiB, contents: 32 * MiB };

export interface RepositoriesParts {
  readonly stores: ObjectStorePair;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds to look for the outcome of a swap. */
  readonly swapPatience: number;
  /** Absent where git does not run: then no folder is created, and nothing may request artifacts or snapshots on disk. */
  readonly cache?: CacheParts;
  readonly publishObserver?: PublishObserver;
  readonly onPublished?: OnPublished<GitManifest>;
  /** Called for each publish of a Fossil repository by this process. */
  readonly onFossilPublished?: OnPublished<FossilManifest>;
  readonly fossilMemory?: FossilMemory;
  /** For what is too large for memory; absent: in the folder of the system for temporary files. */
  readonly fossilScratch?: ScratchFiles;
}

/** The repositories of every kind that Cairn knows. */
export type AllRepositories = RepositoriesOfAllKinds<{
  readonly git: Repositories;
  readonly fossil: Repositories<FossilRepository>;
}>;

/** The whole repository layer over one object store. */
export interface OpenedRepositories {
  /** The repositories of git. */
  readonly repositories: Repositories;
  /** Those of every kind that is opened here. A new kind is listed where this is made. */
  readonly all: AllRepositories;
  /** The repositories of Fossil. */
  readonly fossil: Repositories<FossilRepository>;
  readonly fossilScratch: ScratchFiles;
  readonly artifacts: ArtifactStore;
  readonly manifests: ManifestStore<GitManifest>;
  readonly cache: ArtifactCache;
  readonly snapshots: SnapshotCache;
}

/** Never created: the cache folder of a caller without a cache. */
const NO_CACHE: CacheParts = { folder: join(tmpdir(), 'cairn-no-cache'), budget: 0 };

/** Builds the repository layer. It reads and writes nothing yet; {@link openRepositories} also creates its folders. */
export function buildRepositories(parts: RepositoriesParts): OpenedRepositories {
  const { stores, clock, random, swapPatience, publishObserver, onPublished } = parts;
  const { folder, ...keeping } = parts.cache ?? NO_CACHE;
  const artifacts = new ArtifactStore({ stores, clock, random });
  const manifests = new ManifestStore(artifacts, gitKind);
  const cache = new ArtifactCache({ ...keeping, folder: join(folder, 'artifacts'), store: artifacts });
  const snapshots = new SnapshotCache(join(folder, 'snapshots'), cache, clock);
  const context = {
    control: stores.control,
    manifests,
    snapshots,
    clock,
    random,
    swapPatience,
    ...(publishObserver === undefined ? {} : { publishObserver }),
    ...(onPublished === undefined ? {} : { onPublished }),
  };
  const repositories = new Repositories({ ...context, open: (id) => new GitRepository(id, context) });
  const fossilScratch = parts.fossilScratch ?? temporaryScratch(SCRATCH_BYTES);
  const fossil = buildFossil(parts, artifacts, fossilScratch, parts.cache === undefined ? undefined : cache);
  const all = new RepositoriesOfAllKinds({ git: repositories, fossil });
  return { repositories, all, fossil, fossilScratch, artifacts, manifests, cache, snapshots };
}

function buildFossil(
  parts: RepositoriesParts,
  artifacts: ArtifactStore,
  scratch: ScratchFiles,
  cache: ArtifactCache | undefined,
): Repositories<FossilRepository> {
  const { stores, clock, random, swapPatience, publishObserver, onFossilPublished } = parts;
  const { bags: memory, packs, contents } = parts.fossilMemory ?? FOSSIL_MEMORY;
  const reader = new PackReader({ artifacts, memory: packs, ...(cache === undefined ? {} : { cache }) });
  const kept = contents === 0 ? undefined : new ContentCache({ bytes: contents, entries: MOST_CONTENTS });
  const context = {
    control: stores.control,
    manifests: new ManifestStore(artifacts, fossilKind),
    artifacts,
    bags: new Bags({
      reader,
      random,
      clock,
      memory,
      scratch,
      ...(kept === undefined ? {} : { contents: kept }),
    }),
    locks: new CheckInLocks({ control: stores.control, clock, random }),
    clock,
    random,
    swapPatience,
    ...(publishObserver === undefined ? {} : { publishObserver }),
    ...(onFossilPublished === undefined ? {} : { onPublished: onFossilPublished }),
  };
  return new Repositories({ ...context, open: (id) => new FossilRepository(id, context) });
}

/**
 * Opens repositories for a server or for a command.
 * @param stack closes the cache, which breaks off its downloads
 * @throws CairnError when the cache folder cannot be used
 */
export async function openRepositories(
  parts: RepositoriesParts,
  stack: ClosingStack,
): Promise<OpenedRepositories> {
  const opened = buildRepositories(parts);
  if (parts.cache === undefined) return opened;
  stack.defer(() => opened.cache.close());
  await Promise.all([opened.cache.open(), opened.snapshots.open()]);
  return opened;
}
