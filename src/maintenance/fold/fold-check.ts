/** Checks that the result of a fold is complete. It reads the result exactly as the next reader will. */
import { join } from 'node:path';
import type { GitCommand } from '../../git-process/commands.ts';
import { checkAll, checkBesideRefs, checkReachable } from '../../git-process/fold-commands.ts';
import type { Git } from '../../git-process/git.ts';
import { failureOf, GitRefusal, isFaultOfMachine } from '../../git-process/refusal.ts';
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
  /** A folder for what is checked, on the file system of the cache. The caller removes it. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Object ids passed to git in one call. */
const MAX_ASKED = 1_000_000;

export class FoldCheck {
  private readonly options: FoldCheckOptions;
  private checks = 0;

  constructor(options: FoldCheckOptions) {
    this.options = options;
  }

  /**
   * Checks that the packs of `next` hold everything that its refs reach.
   * @param checked refs for which that is already known
   * @returns false when something is missing
   * @throws GitRefusal when git cannot walk the objects; CairnError `unavailable` when store, disk or git fail; the
   * signal's reason
   */
  isComplete(next: GitState, checked: CheckedRefs): Promise<boolean> {
    return this.reading(next, async (path) => {
      const [known, tips] = await parted(next.refs, ([, oid]) => checked.has(oid));
      return known.size === 0
        ? this.holds(checkAll(path))
        : this.holds(checkReachable(path), await revisions(tips, known));
    });
  }

  /**
   * Checks whether unreachable objects link to objects that are gone.
   * @param state the state below the fold; its refs are complete
   * @param before the state that the fold was made of, if it is known to be conserved completely
   * @returns the fold, with every pack in `linked` for which that is true
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
   * Checks whether anything added after the fold links to what the fold drops. In that case a ref may have reached
   * the dropped objects a moment ago.
   * @param state the state below the fold
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
        // If git cannot walk it, it counts as incomplete, which loses nothing.
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
    if (result.signal !== null || ranOutOfMemory(result) || isFaultOfMachine(result)) {
      throw failureOf('check that a fold is complete', command.name, result);
    }
    return result.exitCode === 0;
  }
}
