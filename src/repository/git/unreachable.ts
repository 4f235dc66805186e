/**
 * Packs of objects that no ref reached when a fold set them apart. Their grace period counts from then, so they must
 * not hold what a ref has reached since. As soon as a ref is pointed at an object in one of them, all of them count
 * as pushed packs, and the next fold checks again.
 */
import { PackIdx } from '../../git/index.ts';
import { openFile } from '../../lib/opened-file.ts';
import type { ArtifactCache } from '../cache/artifact-cache.ts';
import type { RepositoryId } from '../repository-id.ts';
import type { GitState, PackEntry } from './git-manifest.ts';

/** Most objects that are looked up, because pushes wait meanwhile. With more, one is assumed to be there. */
const MOST_ASKED = 100;

/** The packs, with nothing in them known to be unreachable. */
export function asPushed(packs: readonly PackEntry[]): PackEntry[] {
  return packs.map((entry) => {
    if (entry.kind !== 'unreachable') return entry;
    const { since: _over, ...rest } = entry;
    return { ...rest, kind: 'push' };
  });
}

/**
 * The packs of a state that refs return to, and the packs of the state that they leave. What was reachable until now
 * keeps its grace period, and the next fold checks what is still reachable.
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
 * The packs of a state after refs are pointed at objects in it. If one of these objects was set apart as unreachable, all
 * packs of unreachable objects count as pushed.
 * @param brought the pack that comes with the change, which may equal one that was set apart; undefined if none comes
 * @param oids the new values of refs that may be in packs of the state
 * @throws as {@link isSetApart}
 */
export async function packsPointedInto(
  cache: Pick<ArtifactCache, 'take'>,
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
 * The packs, and one more unless it is already there.
 * @param linked whether everything that its objects link to was found, see `PackEntry`
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
 * Whether any of these objects is in a pack of unreachable objects.
 * @param oids object ids in hex that no ref has named
 * @throws CairnError `corrupt` or `unavailable` when an idx cannot be read
 */
export async function isSetApart(
  cache: Pick<ArtifactCache, 'take'>,
  id: RepositoryId,
  { packs, objectFormat }: Pick<GitState, 'packs' | 'objectFormat'>,
  oids: readonly string[],
): Promise<boolean> {
  const apart = packs.filter(({ kind }) => kind === 'unreachable');
  if (oids.length === 0 || apart.length === 0) return false;
  if (oids.length > MOST_ASKED) return true;
  for (const { idx: ref } of apart) {
    const { file, result: opened } = await cache.take(id, 'idx', ref, openFile);
    try {
      const idx = await PackIdx.open(opened.read, objectFormat);
      for (const oid of oids) if ((await idx.offsetOf(Buffer.from(oid, 'hex'))) !== undefined) return true;
    } finally {
      file.release();
      await opened.close();
    }
  }
  return false;
}
