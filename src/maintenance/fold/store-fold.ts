import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import type { Digest } from '../../lib/digest.ts';
import type { ArtifactStore } from '../../repository/artifact-store.ts';
import type { ArtifactCache } from '../../repository/cache/artifact-cache.ts';
import type { PackEntry } from '../../repository/git/git-manifest.ts';
import {
  keepForReaders,
  type LocalArtifact,
  type PackFacts,
  storePack,
} from '../../repository/intake/store-pack.ts';
import type { ArtifactKind } from '../../repository/keys.ts';
import type { ArtifactRef } from '../../repository/manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { MadePack } from './fold-copy.ts';

export interface StoreFoldContext {
  readonly artifacts: ArtifactStore;
  readonly cache: ArtifactCache;
  /** Called for harmless failures: a file that could not be cached. */
  readonly onTrouble: (id: RepositoryId, error: unknown) => void;
}

/**
 * Stores the packs of a fold, and puts them into the cache for the next reader.
 * @param generation of the repository, see `firstCopy`
 * @param since when they were made, in seconds
 * @param tips the wants that the pack of kind `fold` answers
 * @throws CairnError `unavailable` when the store does not accept them
 */
export async function storePacks(
  context: StoreFoldContext,
  id: RepositoryId,
  made: readonly (MadePack | undefined)[],
  generation: number | undefined,
  since: number,
  tips?: Digest,
): Promise<PackEntry[]> {
  const packs = made.filter((pack) => pack !== undefined);
  return allSettledOrThrow(
    packs.map(async (pack): Promise<PackEntry> => {
      const { kind, objects } = pack;
      const answers = kind === 'fold' && tips !== undefined ? { tips } : {};
      const apart = kind === 'unreachable' ? {} : { disjoint: true };
      const facts: PackFacts = { kind, objects, ...answers, ...apart, since };
      const stored = await storePack(context.artifacts, id, facts, pack, generation);
      await keepForReaders(context.cache, pack, stored, (error) => context.onTrouble(id, error));
      return stored;
    }),
  );
}

/** Stores and caches a file that belongs to no pack. */
export async function storeFolded(
  context: StoreFoldContext,
  id: RepositoryId,
  kind: ArtifactKind,
  file: LocalArtifact,
  generation?: number,
): Promise<ArtifactRef> {
  const body = { path: file.path, offset: 0, length: file.size };
  const ref = await context.artifacts.put(id, kind, file.digest, body, { generation });
  // A full cache must not make the fold fail.
  await context.cache.adopt(kind, ref, file.path).catch((error: unknown) => context.onTrouble(id, error));
  return ref;
}
