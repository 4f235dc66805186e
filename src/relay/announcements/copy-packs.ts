import type { ArtifactStore } from '../../repository/artifact-store.ts';
import type { ArtifactCache, PinnedFile } from '../../repository/cache/artifact-cache.ts';
import { isClosed, type PackEntry } from '../../repository/git/git-manifest.ts';
import {
  type LocalArtifact,
  type PackFacts,
  type PackFiles,
  storePack,
} from '../../repository/intake/store-pack.ts';
import type { ArtifactRef } from '../../repository/manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';

export interface CopyContext {
  readonly artifacts: ArtifactStore;
  readonly cache: ArtifactCache;
}

/**
 * Copies packs from one repository to another: each repository keeps its artifacts under its own key. The bytes pass through
 * the cache, one pack after another.
 * @param packs all packs that a manifest of the source names
 * @param generation of the target, see `firstCopy`
 * @returns the entries for a manifest of the target
 * @throws CairnError `corrupt` or `unavailable` when they cannot be read or written
 */
export async function copyPacks(
  context: CopyContext,
  from: RepositoryId,
  to: RepositoryId,
  packs: readonly PackEntry[],
  generation: number | undefined,
): Promise<PackEntry[]> {
  // Packs that link to nothing outside themselves there do not do so here either.
  const linked = isClosed({ packs }) ? { linked: true } : {};
  const copied: PackEntry[] = [];
  for (const entry of packs) {
    const facts: PackFacts = { kind: 'push', objects: entry.objects, ...linked };
    copied.push(
      await withFiles(context.cache, from, entry, (files) =>
        storePack(context.artifacts, to, facts, files, generation),
      ),
    );
  }
  return copied;
}

/** Has the files of a pack in the cache used, and keeps them there meanwhile. */
async function withFiles<T>(
  cache: ArtifactCache,
  id: RepositoryId,
  entry: PackEntry,
  use: (files: PackFiles) => Promise<T>,
): Promise<T> {
  const pack = await cache.acquire(id, 'pack', entry.pack);
  try {
    const idx = await cache.acquire(id, 'idx', entry.idx);
    try {
      return await use({ pack: local(pack, entry.pack), idx: local(idx, entry.idx) });
    } finally {
      idx.release();
    }
  } finally {
    pack.release();
  }
}

function local({ path }: PinnedFile, { digest, size }: ArtifactRef): LocalArtifact {
  return { path, digest, size };
}
