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
import { canBeJoined, type IndexedPart, whichAreListed } from './idx.ts';

export interface ConcatenationCheckContext {
  readonly git: Git;
  readonly cache: ArtifactCache;
  /** A folder to work in, on the same file system as the cache. */
  readonly scratch: string;
  /** For git that a client waits for. */
  readonly places: FairSemaphore;
}

/**
 * Listing what has come takes git milliseconds, unless it has to walk far down a long history, as for a tag of an old commit.
 * Longer than this nobody waits for it.
 */
const LISTING_MS = 5_000;

const NOTHING_GROWN: Grown = { objects: new Set(), boundary: new Set() };

/** A repository of some packs and nothing else, for git to look into. */
interface PackFolder {
  readonly path: string;
  readonly parts: readonly IndexedPart[];
  stemOf(entry: PackEntry): string;
}

/** Finds out whether packs together hold exactly what wants reach, each object once. */
export class ConcatenationCheck {
  private readonly context: ConcatenationCheckContext;
  private folders = 0;

  constructor(context: ConcatenationCheckContext) {
    this.context = context;
  }

  /**
   * The proof from nothing: no object is in two packs, by their idx files; git finds everything that the wants reach in
   * them; and that is as many objects as they have. So it is these, and no others that a force-push has left behind.
   *
   * @param packs places of packs in the manifest
   * @throws CairnError `unavailable`, `corrupt`; the signal's reason
   */
  async isAnswer(
    id: RepositoryId,
    manifest: GitManifest,
    packs: readonly number[],
    wants: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { git } = this.context;
    const entries = entriesAt(manifest, packs);
    return this.withPacks(id, manifest, entries, async ({ path, parts, stemOf }) => {
      if (!(await canBeJoined(parts, manifest.objectFormat))) return false;
      const objects = parts.reduce((sum, part) => sum + part.objects, 0);
      if ((await countObjects(git, path, { wants, objects }, signal)) !== objects) return false;
      if (entries.length === manifest.packs.length) return true;
      // Other packs may have what these lack, and a count by bitmaps does not notice: these have to be enough by
      // themselves. A pack with everything that its tips reach need not be looked into.
      const closed = entries.filter(({ kind, tips }) => kind === 'fold' && tips !== undefined);
      await Promise.all(closed.map((entry) => writeFile(`${stemOf(entry)}.keep`, '')));
      return isCompleteBeyondKept(git, path, { wants, objects }, signal);
    });
  }

  /**
   * The proof from an answer that has been proved, which costs only what has come since:
   * - what was wanted then is part of what is wanted now, so all of that answer is;
   * - git finds, in these packs alone, whatever is reached beyond it; and of each added pack that is every object, or none,
   *   as of one that came for refs which are not wanted;
   * - none of those is in another pack.
   *
   * @returns the places of the packs that are the answer now; undefined when that is not proved
   * @throws as {@link isAnswer}
   */
  async grownAnswer(
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
      const joined = [...parts.slice(0, known.length), ...addedParts.filter((_, at) => listed[at])];
      if (!(await canBeJoined(joined, format, known.length))) return undefined;
      return [...known, ...added.filter((_, at) => listed[at])];
    });
  }

  /** What has come. Waits for a place only now that the packs are here: what is being downloaded keeps no other from git. */
  private async list(
    id: RepositoryId,
    path: string,
    question: Pick<Growth, 'wanted' | 'wantedBefore'>,
    signal: AbortSignal,
  ): Promise<Grown | undefined> {
    const { git, places } = this.context;
    const release = await places.acquire(formatRepositoryId(id), signal);
    try {
      return await listGrown(git, path, question, { signal, patience: AbortSignal.timeout(LISTING_MS) });
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
    const path = join(scratch, `splice-${this.folders++}`);
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

/** The same repository without refs, and with these packs alone. A commit-graph would vouch for commits that are in others. */
function withPacksOnly(manifest: GitManifest, packs: readonly PackEntry[]): GitState {
  const { graph: _, ...state } = manifest;
  return { ...state, refs: new Map(), peeled: new Map(), packs };
}
