import type { ArtifactStore } from '../../repository/artifact-store.ts';
import type { ArtifactCache } from '../../repository/cache/artifact-cache.ts';
import { isClosed, type PackEntry } from '../../repository/git/git-manifest.ts';
import type { ArtifactRef } from '../../repository/manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';

export interface CopyContext {
  readonly artifacts: ArtifactStore;
  readonly cache: ArtifactCache;
}

/**
 * Makes the packs of one repository artifacts of another: each keeps what it names under its own key. Their bytes pass through
 * the cache, one pack after another.
 * @param packs all that a manifest of the one names
 * @param generation of the other one, see `firstCopy`
 * @returns how a manifest of the other one names them
 * @throws CairnError `corrupt` or `unavailable` when they cannot be read or written
 */
export async function copyPacks(
  context: CopyContext,
  from: RepositoryId,
  to: RepositoryId,
  packs: readonly PackEntry[],
  generation: number | undefined,
): Promise<PackEntry[]> {
  const copy = async (kind: 'pack' | 'idx', ref: ArtifactRef): Promise<ArtifactRef> => {
    const file = await context.cache.acquire(from, kind, ref);
    try {
      const body = { path: file.path, offset: 0, length: ref.size };
      return await context.artifacts.put(to, kind, ref.digest, body, { generation });
    } finally {
      file.release();
    }
  };
  // What leads nowhere else there leads nowhere else here.
  const linked = isClosed({ packs }) ? { linked: true } : {};
  const copied: PackEntry[] = [];
  for (const { objects, pack, idx } of packs) {
    const files = { pack: await copy('pack', pack), idx: await copy('idx', idx) };
    copied.push({ kind: 'push', objects, ...files, ...linked });
  }
  return copied;
}
