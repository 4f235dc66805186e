import type { ArtifactCache } from '../repository/artifact-cache.ts';
import type { ArtifactStore } from '../repository/artifact-store.ts';
import type { ArtifactRef, PackEntry } from '../repository/manifest.ts';
import type { RepositoryId } from '../repository/repository-id.ts';

export interface CopyContext {
  readonly artifacts: ArtifactStore;
  readonly cache: ArtifactCache;
}

/**
 * Makes packs of one repository artifacts of another: each keeps what it names under its own key. Their bytes pass through
 * the cache, one pack after another.
 * @returns how a manifest of the other one names them
 * @throws CairnError `corrupt` or `unavailable` when they cannot be read or written
 */
export async function copyPacks(
  context: CopyContext,
  from: RepositoryId,
  to: RepositoryId,
  packs: readonly PackEntry[],
): Promise<PackEntry[]> {
  const copy = async (kind: 'pack' | 'idx', ref: ArtifactRef): Promise<ArtifactRef> => {
    const file = await context.cache.acquire(from, kind, ref);
    try {
      const body = { path: file.path, offset: 0, length: ref.size };
      return await context.artifacts.put(to, kind, ref.digest, body);
    } finally {
      file.release();
    }
  };
  const copied: PackEntry[] = [];
  for (const { objects, pack, idx } of packs) {
    copied.push({ kind: 'push', objects, pack: await copy('pack', pack), idx: await copy('idx', idx) });
  }
  return copied;
}
