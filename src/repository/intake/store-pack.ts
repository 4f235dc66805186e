import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import type { ArtifactStore } from '../artifact-store.ts';
import type { ArtifactCache } from '../cache/artifact-cache.ts';
import type { PackEntry } from '../git/git-manifest.ts';
import { firstCopy } from '../keys.ts';
import type { RepositoryId } from '../repository-id.ts';
import type { LocalArtifact, ReceivedPack } from './received-pack.ts';

/**
 * How a manifest names a received pack whose artifacts are stored as their first copies.
 * @param generation of the repository, see `firstCopy`
 */
export function packEntry(received: ReceivedPack, generation: number | undefined): PackEntry {
  const n = firstCopy(generation);
  const ref = ({ digest, size }: LocalArtifact) => (n === 0 ? { digest, size } : { digest, size, n });
  return { ...entriesOf(received), pack: ref(received.pack), idx: ref(received.idx) };
}

/**
 * Makes a received pack and its idx durable, side by side.
 * @returns how a manifest names them
 * @throws CairnError `unavailable` when the store does not take them; nothing is being read from the files any more
 */
export async function storePack(
  artifacts: ArtifactStore,
  id: RepositoryId,
  received: ReceivedPack,
  generation: number | undefined,
): Promise<PackEntry> {
  const put = (kind: 'pack' | 'idx') => {
    const { path, digest, size, whole } = received[kind];
    return artifacts.put(id, kind, digest, whole ?? { path, offset: 0, length: size }, { generation });
  };
  const [pack, idx] = await allSettledOrThrow([put('pack'), put('idx')]);
  return { ...entriesOf(received), pack, idx };
}

function entriesOf({ objects, own }: ReceivedPack): Pick<PackEntry, 'kind' | 'objects' | 'own'> {
  return { kind: 'push', objects, ...(own === undefined ? {} : { own }) };
}

/** The next reader finds a new pack on local disk. A cache that cannot take it is no reason to fail a push. */
export async function keepForReaders(
  cache: ArtifactCache,
  received: ReceivedPack,
  stored: PackEntry,
): Promise<void> {
  await Promise.allSettled([
    cache.adopt('pack', stored.pack, received.pack.path),
    cache.adopt('idx', stored.idx, received.idx.path),
  ]);
}
