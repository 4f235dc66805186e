import { link, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePackedRefs, hexLength, tableOf } from '../../git/index.ts';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import { diskFault, isDiskFull } from '../../lib/disk-full.ts';
import { CairnError, systemCode } from '../../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import type { ArtifactCache, PinnedFile } from '../cache/artifact-cache.ts';
import type { GitState, PackEntry } from '../git/git-manifest.ts';
import type { ArtifactKind } from '../keys.ts';
import type { ArtifactRef } from '../manifest.ts';
import type { RepositoryId } from '../repository-id.ts';
import { type PackedRefsFiles, writePackedRefs } from './packed-refs-files.ts';

/** Concurrent downloads for one snapshot. */
const PARALLEL = 8;

/**
 * Writes a bare repository with exactly the content of a manifest. git reads it; nothing ever writes to it. Node
 * writes the few files itself (a `git init` would cost 8 ms) and hard-links the packs from the artifact cache. Only
 * packs of the manifest are linked, never a pool of several repositories: protocol v2 serves any object it can find.
 *
 * @param path the folder to create; it must not exist
 * @param packedRefs writes the refs of large repositories once for several snapshots
 * @returns the linked cache files, to be released when the folder is gone
 * @throws CairnError `corrupt` naming the artifact at fault, `unavailable` when store or disk fail; nothing is left
 * behind
 */
export async function writeSnapshot(
  cache: ArtifactCache,
  id: RepositoryId,
  state: GitState,
  path: string,
  packedRefs?: PackedRefsFiles,
): Promise<PinnedFile[]> {
  return onDisk(cache, () => write(cache, id, state, path, packedRefs));
}

/**
 * Links more packs into a repository made by {@link writeSnapshot}, while git reads from it. The idx comes last,
 * because git finds a pack by its idx.
 *
 * @param entries the packs; those already there are skipped
 * @returns the linked cache files, to be released when the folder is gone
 * @throws CairnError as {@link writeSnapshot}; some of the packs may be there then
 */
export async function addPacks(
  cache: ArtifactCache,
  id: RepositoryId,
  state: Pick<GitState, 'objectFormat'>,
  entries: readonly PackEntry[],
  path: string,
): Promise<PinnedFile[]> {
  return onDisk(cache, () => linkPacks(cache, id, state, entries, path));
}

/** Repeats the work once when the disk was full and the cache has made room. */
async function onDisk<T>(cache: ArtifactCache, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDiskFull(error)) throw diskError(error);
    await cache.relieve();
    return await work().catch((again) => {
      throw diskError(again);
    });
  }
}

async function linkPacks(
  cache: ArtifactCache,
  id: RepositoryId,
  state: Pick<GitState, 'objectFormat'>,
  entries: readonly PackEntry[],
  path: string,
): Promise<PinnedFile[]> {
  const pinned: PinnedFile[] = [];
  const jobs = [...entries];
  const workers = Array.from({ length: Math.min(PARALLEL, jobs.length) }, async () => {
    for (let entry = jobs.shift(); entry !== undefined; entry = jobs.shift()) {
      const stem = join(path, 'objects', 'pack', snapshotPackName(entry, state));
      for (const kind of ['pack', 'idx'] as const) {
        const { file } = await cache.take(id, kind, entry[kind], (cached) =>
          linkOnce(cached, `${stem}.${kind}`),
        );
        pinned.push(file);
      }
    }
  });
  try {
    await allSettledOrThrow(workers);
    return pinned;
  } catch (error) {
    for (const file of pinned) file.release();
    throw error;
  }
}

async function linkOnce(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

async function write(
  cache: ArtifactCache,
  id: RepositoryId,
  state: GitState,
  path: string,
  packedRefs: PackedRefsFiles | undefined,
): Promise<PinnedFile[]> {
  const pinned: PinnedFile[] = [];
  try {
    const packs = join(path, 'objects', 'pack');
    await allSettledOrThrow(
      [packs, join(path, 'objects', 'info'), join(path, 'refs')].map((folder) =>
        makeFolder(folder, PRIVATE_FOLDER),
      ),
    );
    await allSettledOrThrow([
      writeFile(join(path, 'HEAD'), `ref: ${state.head}\n`),
      writeFile(join(path, 'config'), configFor(state)),
      writeRefs(state, join(path, 'packed-refs'), packedRefs),
    ]);
    const links = linksFor(state, path);
    const workers = Array.from({ length: Math.min(PARALLEL, links.length) }, async () => {
      for (let next = links.shift(); next !== undefined; next = links.shift()) {
        const { kind, ref, target } = next;
        const { file } = await cache.take(id, kind, ref, (cached) => link(cached, target));
        pinned.push(file);
      }
    });
    // Wait for all workers, so that none still links into a folder that is being removed.
    await allSettledOrThrow(workers);
    return pinned;
  } catch (error) {
    for (const file of pinned) file.release();
    await rm(path, { recursive: true, force: true });
    throw error;
  }
}

async function writeRefs(
  { refs, peeled }: GitState,
  path: string,
  packedRefs: PackedRefsFiles | undefined,
): Promise<void> {
  const table = tableOf(refs);
  if (table === undefined) await writeFile(path, encodePackedRefs(refs, peeled));
  else if (packedRefs === undefined) await writePackedRefs(table, path);
  else await packedRefs.link(table, path);
}

function diskError(error: unknown): unknown {
  if (error instanceof CairnError || systemCode(error) === undefined) return error;
  return diskFault(error, 'for this repository', 'the cache folder cannot be written');
}

function configFor(state: GitState): string {
  if (state.objectFormat === 'sha1') return '[core]\n\trepositoryformatversion = 0\n\tbare = true\n';
  return '[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n';
}

/**
 * The name of a pack in a snapshot, without `.pack`. git reads an object id out of the file name, so the name has the
 * length of one; its value means nothing.
 */
export function snapshotPackName(entry: PackEntry, state: Pick<GitState, 'objectFormat'>): string {
  return `pack-${entry.pack.digest.slice(0, hexLength(state.objectFormat))}`;
}

/** How many files {@link writeSnapshot} links into the folder of packs. */
export function packFilesOf({ packs }: Pick<GitState, 'packs'>): number {
  return packs.reduce((sum, { rev, bitmap }) => sum + 2 + (rev ? 1 : 0) + (bitmap ? 1 : 0), 0);
}

interface Link {
  readonly kind: ArtifactKind;
  readonly ref: ArtifactRef;
  readonly target: string;
}

/** Small files come first: an idx alone can answer requests, and packs take long to download. */
function linksFor(state: GitState, path: string): Link[] {
  const links: Link[] = [];
  const packs: Link[] = [];
  for (const entry of state.packs) {
    const stem = join(path, 'objects', 'pack', snapshotPackName(entry, state));
    packs.push({ kind: 'pack', ref: entry.pack, target: `${stem}.pack` });
    links.push({ kind: 'idx', ref: entry.idx, target: `${stem}.idx` });
    if (entry.rev !== undefined) links.push({ kind: 'rev', ref: entry.rev, target: `${stem}.rev` });
    if (entry.bitmap !== undefined)
      links.push({ kind: 'bitmap', ref: entry.bitmap, target: `${stem}.bitmap` });
  }
  if (state.graph !== undefined) {
    links.push({ kind: 'graph', ref: state.graph, target: join(path, 'objects', 'info', 'commit-graph') });
  }
  return [...links, ...packs];
}
