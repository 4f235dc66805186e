/** Stores a pack on local disk as artifacts of a repository. It may come from a push, a fold or another repository. */
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import type { Digest } from '../../lib/digest.ts';
import type { ArtifactStore } from '../artifact-store.ts';
import type { ArtifactCache } from '../cache/artifact-cache.ts';
import type { PackEntry } from '../git/git-manifest.ts';
import { firstCopy } from '../keys.ts';
import type { RepositoryId } from '../repository-id.ts';

/** A file whose digest is known. */
export interface LocalArtifact {
  readonly path: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** All of them, of a small file. */
  readonly whole?: Buffer;
}

/** The files of one pack on local disk. */
export interface PackFiles {
  readonly pack: LocalArtifact;
  readonly idx: LocalArtifact;
  readonly rev?: LocalArtifact;
  readonly bitmap?: LocalArtifact;
}

type PackFileKind = keyof PackFiles;

/** What a manifest says of a pack besides the names of its files. */
export type PackFacts = Omit<PackEntry, PackFileKind>;

/**
 * How a manifest names a received pack whose artifacts are stored as their first copies.
 * @param generation of the repository, see `firstCopy`
 */
export function packEntry(
  facts: PackFacts,
  { pack, idx }: Pick<PackFiles, 'pack' | 'idx'>,
  generation: number | undefined,
): PackEntry {
  const n = firstCopy(generation);
  const ref = ({ digest, size }: LocalArtifact) => (n === 0 ? { digest, size } : { digest, size, n });
  return { ...facts, pack: ref(pack), idx: ref(idx) };
}

/**
 * Makes the files of a pack durable, side by side.
 * @param generation of the repository, see `firstCopy`
 * @returns how a manifest names the pack
 * @throws CairnError `unavailable` when the store does not take them; nothing is being read from the files any more
 */
export async function storePack(
  artifacts: ArtifactStore,
  id: RepositoryId,
  facts: PackFacts,
  files: PackFiles,
  generation: number | undefined,
): Promise<PackEntry> {
  const put = (kind: PackFileKind, { path, digest, size, whole }: LocalArtifact) =>
    artifacts.put(id, kind, digest, whole ?? { path, offset: 0, length: size }, { generation });
  const putIfMade = async (kind: PackFileKind, file: LocalArtifact | undefined) =>
    file === undefined ? {} : { [kind]: await put(kind, file) };
  const [pack, idx, rev, bitmap] = await allSettledOrThrow([
    put('pack', files.pack),
    put('idx', files.idx),
    putIfMade('rev', files.rev),
    putIfMade('bitmap', files.bitmap),
  ]);
  return { ...facts, pack, idx, ...rev, ...bitmap };
}

/**
 * Puts a stored pack into the cache, where the next reader finds it.
 * @param onTrouble told when the cache cannot take a file. That is no reason to fail.
 */
export async function keepForReaders(
  cache: ArtifactCache,
  files: PackFiles,
  stored: PackEntry,
  onTrouble: (error: unknown) => void = () => undefined,
): Promise<void> {
  const keep = async ([kind, { path }]: [PackFileKind, LocalArtifact]) => {
    const ref = stored[kind];
    if (ref !== undefined) await cache.adopt(kind, ref, path).catch(onTrouble);
  };
  await Promise.all(filesOf(files).map(keep));
}

function filesOf({ pack, idx, rev, bitmap }: PackFiles): [PackFileKind, LocalArtifact][] {
  const files: [PackFileKind, LocalArtifact][] = [
    ['pack', pack],
    ['idx', idx],
  ];
  if (rev !== undefined) files.push(['rev', rev]);
  if (bitmap !== undefined) files.push(['bitmap', bitmap]);
  return files;
}
