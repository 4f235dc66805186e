import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { ClosingStack } from '../lib/closing-stack.ts';
import type { Random } from '../lib/random.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import { ArtifactStore } from '../repository/artifact-store.ts';
import { ArtifactCache, type CacheObserver } from '../repository/cache/artifact-cache.ts';
import type { RangedDownloads } from '../repository/cache/artifact-download.ts';
import { gitKind } from '../repository/git/git-kind.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import { ManifestStore } from '../repository/manifest-store.ts';
import type { OnPublished, PublishObserver } from '../repository/publisher.ts';
import { Repositories } from '../repository/repositories.ts';
import { SnapshotCache } from '../repository/snapshot/snapshot-cache.ts';

/** Where artifacts and snapshots are kept on local disk. */
export interface CacheParts {
  /** Folder that holds both; made when it is not there. */
  readonly folder: string;
  /** Bytes of artifacts. */
  readonly budget: number;
  /** Downloads in ranges; left out, every artifact is one request. */
  readonly ranged?: RangedDownloads;
  readonly observer?: CacheObserver;
  /** Called when the disk is full: frees what it can. */
  readonly onDiskFull?: () => Promise<void>;
}

export interface RepositoriesParts {
  readonly stores: ObjectStorePair;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds for which the outcome of a swap is looked for. */
  readonly swapPatience: number;
  /** Left out where nothing runs git: then no folder is made, and nothing may ask for artifacts or snapshots on disk. */
  readonly cache?: CacheParts;
  readonly publishObserver?: PublishObserver;
  readonly onPublished?: OnPublished<GitManifest>;
}

/** Everything of the repository layer over one object store. */
export interface OpenedRepositories {
  readonly repositories: Repositories;
  readonly artifacts: ArtifactStore;
  readonly manifests: ManifestStore<GitManifest>;
  readonly cache: ArtifactCache;
  readonly snapshots: SnapshotCache;
}

/** Never made: the place of the caches of whoever has none. */
const NO_CACHE: CacheParts = { folder: join(tmpdir(), 'cairn-no-cache'), budget: 0 };

/** Builds the repository layer. It reads and writes nothing yet; {@link openRepositories} makes its folders, too. */
export function buildRepositories(parts: RepositoriesParts): OpenedRepositories {
  const { stores, clock, random, swapPatience, publishObserver, onPublished } = parts;
  const { folder, ...keeping } = parts.cache ?? NO_CACHE;
  const artifacts = new ArtifactStore({ stores, clock, random });
  const manifests = new ManifestStore(artifacts, gitKind);
  const cache = new ArtifactCache({ ...keeping, folder: join(folder, 'artifacts'), store: artifacts });
  const snapshots = new SnapshotCache(join(folder, 'snapshots'), cache);
  const repositories = new Repositories({
    control: stores.control,
    manifests,
    snapshots,
    clock,
    random,
    swapPatience,
    ...(publishObserver === undefined ? {} : { publishObserver }),
    ...(onPublished === undefined ? {} : { onPublished }),
  });
  return { repositories, artifacts, manifests, cache, snapshots };
}

/**
 * Opens repositories for a server or for a command.
 * @param stack closes the cache, which breaks off its downloads
 * @throws CairnError when the folder of the cache cannot be used
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
