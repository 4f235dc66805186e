import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  countObjects,
  type Grown,
  isCompleteBeyondKept,
  listGrown,
} from '../../git-process/count-objects.ts';
import type { Git } from '../../git-process/git.ts';
import type { ArtifactCache, PinnedFile } from '../../repository/cache/artifact-cache.ts';
import type { GitManifest, GitState, PackEntry } from '../../repository/git/git-manifest.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';
import { snapshotPackName, writeSnapshot } from '../../repository/snapshot/snapshot.ts';
import type { FairSemaphore } from '../fair-semaphore.ts';
import { partOf } from '../fetch/plan.ts';
import type { Growth } from './growth.ts';
import { canBeConcatenated, type IndexedPart, whichAreListed } from './indexed-part.ts';

export interface ConcatenationCheckContext {
  readonly git: Git;
  readonly cache: ArtifactCache;
  /** A folder for scratch files, on the file system of the cache. */
  readonly scratch: string;
  /** Slots for git processes that a client waits for. */
  readonly slots: FairSemaphore;
}

/**
 * Maximum time to list new objects. git usually needs milliseconds, but much longer if it has to walk far down a long
 * history, as for a tag of an old commit.
 */
const LISTING_MS = 5_000;

const NOTHING_GROWN: Grown = { objects: new Set(), boundary: new Set() };

/** A scratch repository that has only some packs. */
interface PackFolder {
  readonly path: string;
  readonly parts: readonly IndexedPart[];
  stemOf(entry: PackEntry): string;
}

/** Checks whether some packs together contain exactly the objects reachable from the wants, each once. */
export class ConcatenationCheck {
  private readonly context: ConcatenationCheckContext;
  private folders = 0;

  constructor(context: ConcatenationCheckContext) {
    this.context = context;
  }

  /**
   * The full check: no object is in two packs (by their idx files), and git finds all objects reachable from the wants in
   * these packs, as many as the packs have. So the packs have no unreachable objects, which a force-push would leave behind.
   *
   * @param packs positions of packs in the manifest
   * @throws CairnError `unavailable`, `corrupt`; the signal's reason
   */
  async isExact(
    id: RepositoryId,
    manifest: GitManifest,
    packs: readonly number[],
    wants: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { git } = this.context;
    const entries = entriesAt(manifest, packs);
    return this.withPacks(id, manifest, entries, async ({ path, parts, stemOf }) => {
      if (!(await canBeConcatenated(parts, manifest.objectFormat))) return false;
      const objects = parts.reduce((sum, part) => sum + part.objects, 0);
      if ((await countObjects(git, path, { wants, objects }, signal)) !== objects) return false;
      if (entries.length === manifest.packs.length) return true;
      // A count by bitmaps does not notice objects that only other packs have, so these packs are checked to be complete.
      // A pack that has everything reachable from its tips need not be walked.
      const closed = entries.filter(({ kind, tips }) => kind === 'fold' && tips !== undefined);
      await Promise.all(closed.map((entry) => writeFile(`${stemOf(entry)}.keep`, '')));
      return isCompleteBeyondKept(git, path, { wants, objects }, signal);
    });
  }

  /**
   * The incremental check, from a concatenation that was checked before. Its cost depends only on what was added since:
   * - Everything wanted then is reachable from what is wanted now, so all packs of that concatenation still belong to it.
   * - git finds the other reachable objects in these packs alone. They are all objects of an added pack, or none of them: a
   *   pack may have come for refs that are not wanted.
   * - None of these objects is in another pack.
   *
   * @returns positions of the packs of the new concatenation; undefined if the check fails
   * @throws as {@link isExact}
   */
  async grow(
    id: RepositoryId,
    manifest: GitManifest,
    growth: Growth,
    signal: AbortSignal,
  ): Promise<readonly number[] | undefined> {
    const { known, added, wanted, wantedBefore, outgrown, wants } = growth;
    if (wanted.length === 0 && outgrown.length === 0) return known;
    const entries = entriesAt(manifest, [...known, ...added]);
    return this.withPacks(id, manifest, entries, async ({ path, parts }) => {
      const list = (from: readonly string[], until: readonly string[]) =>
        this.list(id, path, { wanted: from, wantedBefore: until }, signal);
      const grown = wanted.length === 0 ? NOTHING_GROWN : await list(wanted, wantedBefore);
      if (grown === undefined) return undefined;
      const left = outgrown.filter((oid) => !grown.boundary.has(oid));
      if (left.length > 0 && (await list(left, wants))?.objects.size !== 0) return undefined;
      const { objectFormat: format } = manifest;
      const addedParts = parts.slice(known.length);
      const listed = await whichAreListed(addedParts, grown.objects, format);
      if (listed === undefined) return undefined;
      const compared = [...parts.slice(0, known.length), ...addedParts.filter((_, at) => listed[at])];
      if (!(await canBeConcatenated(compared, format, known.length))) return undefined;
      return [...known, ...added.filter((_, at) => listed[at])];
    });
  }

  /** Lists new objects. It takes a slot only after the packs are here: a download must not keep others from running git. */
  private async list(
    id: RepositoryId,
    path: string,
    wants: Pick<Growth, 'wanted' | 'wantedBefore'>,
    signal: AbortSignal,
  ): Promise<Grown | undefined> {
    const { git, slots } = this.context;
    const release = await slots.acquire(formatRepositoryId(id), signal);
    try {
      return await listGrown(git, path, wants, { signal, patience: AbortSignal.timeout(LISTING_MS) });
    } finally {
      release();
    }
  }

  private async withPacks<T>(
    id: RepositoryId,
    manifest: GitManifest,
    entries: readonly PackEntry[],
    work: (folder: PackFolder) => Promise<T>,
  ): Promise<T> {
    const { cache, scratch } = this.context;
    const path = join(scratch, `concatenation-${this.folders++}`);
    const stemOf = (entry: PackEntry) => join(path, 'objects', 'pack', snapshotPackName(entry, manifest));
    let pinned: readonly PinnedFile[] = [];
    try {
      pinned = await writeSnapshot(cache, id, withPacksOnly(manifest, entries), path);
      const parts = entries.map((entry) => ({
        ...partOf(entry, manifest.objectFormat),
        idxPath: `${stemOf(entry)}.idx`,
      }));
      return await work({ path, parts, stemOf });
    } finally {
      await rm(path, { recursive: true, force: true });
      for (const file of pinned) file.release();
    }
  }
}

function entriesAt({ packs }: GitManifest, places: readonly number[]): PackEntry[] {
  return places.flatMap((at) => packs[at] ?? []);
}

/** The repository with only these packs, without refs and without its commit-graph, which may list commits of other packs. */
function withPacksOnly(manifest: GitManifest, packs: readonly PackEntry[]): GitState {
  const { graph: _, ...state } = manifest;
  return { ...state, refs: new Map(), peeled: new Map(), packs };
}
