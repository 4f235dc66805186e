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
 * The packs of a state that refs are pointed into. What a ref is pointed at has not left, if it was set apart as unreachable.
 * @param brought the pack that comes with it, which may be, byte for byte, one that was set apart; undefined when none comes
 * @param oids what refs are pointed at that may be in packs of the state
 * @throws as {@link isSetApart}
 */
export async function packsPointedInto(
  cache: Pick<ArtifactCache, 'acquire'>,
  id: RepositoryId,
  state: Pick<GitState, 'packs' | 'objectFormat'>,
  brought: PackEntry | undefined,
  oids: readonly string[],
): Promise<readonly PackEntry[]> {
  const isBrought = ({ kind, pack }: PackEntry) =>
    kind === 'unreachable' && pack.digest === brought?.pack.digest;
  if (state.packs.some(isBrought)) return asPushed(state.packs);
  return (await isSetApart(cache, id, state, oids)) ? asPushed(state.packs) : state.packs;
}

/**
 * Packs, and one that comes, unless it is there already.
 * @param linked whether all that its objects link to was found, see `PackEntry`
 */
export function withPack(
  packs: readonly PackEntry[],
  brought: PackEntry | undefined,
  linked: boolean,
): readonly PackEntry[] {
  if (brought === undefined || packs.some(({ pack }) => pack.digest === brought.pack.digest)) return packs;
  return [...packs, linked ? { ...brought, linked } : brought];
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
