/**
 * Packs of what no ref reached when a fold set it apart. Their grace counts from then, so they may not hold what a ref has reached
 * since: as soon as a ref is pointed at something in one of them, all count as pushed, and the next fold looks again.
 */
import { PackIdx } from '../../git/index.ts';
import { openFile } from '../../lib/read-at.ts';
import type { ArtifactCache } from '../cache/artifact-cache.ts';
import type { RepositoryId } from '../repository-id.ts';
import type { GitState, PackEntry } from './git-manifest.ts';

/** Objects looked for at most: pushes wait meanwhile. Of more, one is taken to be there. */
const MOST_ASKED = 100;

/** Packs of which nothing is known to be unreachable any more. */
export function asPushed(packs: readonly PackEntry[]): PackEntry[] {
  return packs.map((entry) => {
    if (entry.kind !== 'unreachable') return entry;
    const { since: _over, ...rest } = entry;
    return { ...rest, kind: 'push' };
  });
}

/**
 * The packs of a state that refs go back to, and beside them those of the state that they leave: what was reached until now has its grace
 * before it, and the next fold looks what is reached still.
 */
export function withPacksLeft(packs: readonly PackEntry[], left: readonly PackEntry[]): PackEntry[] {
  const named = new Set(packs.map(({ pack }) => pack.digest));
  const others = left.flatMap(({ objects, pack, idx, own, linked }): PackEntry[] => {
    if (named.has(pack.digest)) return [];
    const facts = { ...(own === undefined ? {} : { own }), ...(linked === undefined ? {} : { linked }) };
    return [{ kind: 'push', objects, pack, idx, ...facts }];
  });
  return [...asPushed(packs), ...others];
}

/**
 * True when any of these objects is in a pack of unreachable ones.
 * @param oids object ids in hex that no ref has named
 * @throws CairnError `corrupt` or `unavailable` when an idx cannot be had
 */
export async function isSetApart(
  cache: Pick<ArtifactCache, 'acquire'>,
  id: RepositoryId,
  { packs, objectFormat }: Pick<GitState, 'packs' | 'objectFormat'>,
  oids: readonly string[],
): Promise<boolean> {
  const apart = packs.filter(({ kind }) => kind === 'unreachable');
  if (oids.length === 0 || apart.length === 0) return false;
  if (oids.length > MOST_ASKED) return true;
  for (const { idx: ref } of apart) {
    const cached = await cache.acquire(id, 'idx', ref);
    try {
      const file = await openFile(cached.path);
      try {
        const idx = await PackIdx.open(file.read, objectFormat);
        for (const oid of oids) if ((await idx.offsetOf(Buffer.from(oid, 'hex'))) !== undefined) return true;
      } finally {
        await file.close();
      }
    } finally {
      cached.release();
    }
  }
  return false;
}
