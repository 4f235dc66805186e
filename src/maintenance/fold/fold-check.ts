/** Whether what a fold makes of a repository is whole. It is read as it would be by the next reader, and from nowhere else. */
import { join } from 'node:path';
import type { GitCommand } from '../../git-process/commands.ts';
import { checkAll, checkBesideRefs, checkReachable } from '../../git-process/fold-commands.ts';
import type { Git } from '../../git-process/git.ts';
import { failureOf, GitRefusal } from '../../git-process/refusal.ts';
import { ranOutOfMemory } from '../../git-process/result.ts';
import type { ArtifactCache } from '../../repository/cache/artifact-cache.ts';
import { type GitState, isClosed, type PackEntry } from '../../repository/git/git-manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { snapshotPackName, writeSnapshot } from '../../repository/snapshot/snapshot.ts';
import type { CheckedRefs } from './checked-refs.ts';
import { afterFold, type FoldResult, packsSince } from './fold-change.ts';
import { findLinked } from './link-walk.ts';
import { packIds } from './pack-ids.ts';
import { parted, revisions } from './revisions.ts';

export interface FoldCheckOptions {
  readonly cache: ArtifactCache;
  readonly git: Git;
  readonly id: RepositoryId;
  /** A folder for what is checked, on the file system of the cache; removed by its owner. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Objects whose ids git is given in one question. */
const MAX_ASKED = 1_000_000;

export class FoldCheck {
  private readonly options: FoldCheckOptions;
  private checks = 0;

  constructor(options: FoldCheckOptions) {
    this.options = options;
  }

  /**
   * Looks whether everything that the refs of `next` reach is in the packs it names.
   * @param proven refs for which that is known already
   * @returns false when something is missing
   * @throws GitRefusal when git cannot walk it; CairnError `unavailable` when store, disk or git fail; the signal's reason
   */
  isComplete(next: GitState, proven: CheckedRefs): Promise<boolean> {
    return this.reading(next, async (path) => {
      const [known, tips] = await parted(next.refs, ([, oid]) => proven.has(oid));
      return known.size === 0
        ? this.holds(checkAll(path))
        : this.holds(checkReachable(path), await revisions(tips, known));
    });
  }

  /**
   * Looks whether objects that no ref reaches lead to anything that is not there any more.
   * @param state what the fold is put on; nothing is missing below its refs
   * @param before what it was made of, if that is known to be conserved whole
   * @returns the fold, with every pack in `linked` of which it is true
   * @throws CairnError as {@link isComplete}
   */
  async linked(state: GitState, result: FoldResult, before?: GitState): Promise<FoldResult> {
    const next = afterFold(state, result);
    const open = next.packs.filter((entry) => entry.linked !== true);
    if (open.length === 0) return result;
    const isKnown = before !== undefined && isClosed(before);
    if (!isKnown && !(await this.isLinked(next, open))) return result;
    return { ...result, linked: new Set([...result.linked, ...open.map(({ pack }) => pack.digest)]) };
  }

  /**
   * Looks whether anything that came since a fold was made leads to what the fold drops. Then a ref may have reached that a moment ago.
   * @param state what the fold is put on
   * @throws CairnError as {@link isComplete}
   */
  async needsDropped(state: GitState, result: FoldResult): Promise<boolean> {
    const next = afterFold(state, result);
    const come = packsSince(state, result);
    const stays = new Set(next.packs.map(({ pack }) => pack.digest));
    const dropped = state.packs.filter(
      ({ pack }) => !stays.has(pack.digest) && result.dropped.has(pack.digest),
    );
    if (come.length === 0 || dropped.length === 0) return false;
    const { objectFormat } = next;
    const names = (packs: readonly PackEntry[]) => packs.map((entry) => snapshotPackName(entry, next));
    const { git, signal } = this.options;
    return this.reading({ ...next, packs: [...next.packs, ...dropped] }, async (gitDir) => {
      const packs = { from: names(come), into: names(dropped), except: names(next.packs) };
      const linked = await findLinked({ git, gitDir, objectFormat, ...packs, signal });
      return linked.length > 0;
    });
  }

  private async isLinked(next: GitState, packs: readonly PackEntry[]): Promise<boolean> {
    if (packs.reduce((sum, { objects }) => sum + objects, 0) > MAX_ASKED) return false;
    return this.reading(next, async (path) => {
      const ids: Buffer[] = [];
      const names = packs.map((entry) => snapshotPackName(entry, next));
      for await (const lines of packIds(path, names, next.objectFormat)) ids.push(lines);
      try {
        return await this.holds(checkBesideRefs(path), Buffer.concat(ids));
      } catch (error) {
        // What git cannot walk is not proven. Nothing is lost by that.
        if (error instanceof GitRefusal) return false;
        throw error;
      }
    });
  }

  private async reading<T>(next: GitState, read: (path: string) => Promise<T>): Promise<T> {
    const { cache, id, folder } = this.options;
    const { graph: _unread, ...state } = next;
    const path = join(folder, `check-${this.checks++}`);
    const pinned = await writeSnapshot(cache, id, state, path);
    try {
      return await read(path);
    } finally {
      for (const file of pinned) file.release();
    }
  }

  private async holds(command: GitCommand, input: string | Buffer = ''): Promise<boolean> {
    const { git, signal } = this.options;
    const result = await git.run(command, { input, signal });
    signal.throwIfAborted();
    if (result.signal !== null || ranOutOfMemory(result)) {
      throw failureOf('look whether a fold is whole', command.name, result);
    }
    return result.exitCode === 0;
  }
}
