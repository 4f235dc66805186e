import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { ArtifactCache, PinnedFile } from './artifact-cache.ts';
import type { PublishedGitState, GitState } from '../git/git-manifest.ts';
import { formatRepositoryId, type RepositoryId } from '../repository-id.ts';
import { FolderCheck } from '../snapshot/folder-check.ts';
import { addPacks, writeSnapshot } from '../snapshot/snapshot.ts';

/** The objects of a repository in use. The folder stays until `release` is called. */
export interface ObjectsLease {
  /** A bare repository without refs. */
  readonly path: string;
  /**
   * Digests of the packs that are in the folder or are being added, all of them published: the packs of the requested
   * state, and of other states of the same epoch that include these. What git finds there is valid only for a state
   * that names all of them, or for a later state of that epoch.
   */
  packs(): ReadonlySet<string>;
  /** False once somebody has deleted files of the folder. It looks at most once a second. */
  isWhole(): Promise<boolean>;
  release(): void;
}

interface Base {
  readonly path: string;
  readonly repository: string;
  readonly incarnation: string;
  readonly epoch: string | undefined;
  /** Packs that are completely there. */
  readonly packs: Set<string>;
  /** Packs that git may find: the above, and those that are being linked, or whose linking failed. */
  readonly found: Set<string>;
  readonly pinned: PinnedFile[];
  readonly check: FolderCheck;
  isDamaged: boolean;
  users: number;
  made: Promise<unknown>;
  /** The last of the changes to it, which run one after another. Never rejects. */
  changing: Promise<unknown>;
}

/** Idle bases kept for the next push. */
const IDLE_KEPT = 64;

/**
 * The object folders for pushes: one folder per repository, with its packs and without refs. It grows by a link or
 * two with each push, where a snapshot would be created again. git never serves it to clients, because it may hold
 * more than one manifest names; pages read objects there by their ids. When a fold has replaced packs, the next push starts
 * a new folder.
 */
export class ObjectBases {
  private readonly folder: string;
  private readonly artifacts: ArtifactCache;
  private readonly clock: Pick<Clock, 'monotonic'>;
  /** The newest base of each repository, least recently used first. */
  private readonly current = new Map<string, Base>();
  private made = 0;

  /** @param folder on the file system of the cache; created when needed */
  constructor(folder: string, artifacts: ArtifactCache, clock: Pick<Clock, 'monotonic'>) {
    this.folder = folder;
    this.artifacts = artifacts;
    this.clock = clock;
  }

  /**
   * Returns a folder with at least the objects of a state: a new one if somebody has deleted files of the last.
   * @throws CairnError `corrupt` naming the artifact at fault, `unavailable` when store or disk fail
   */
  async acquire(id: RepositoryId, state: PublishedGitState): Promise<ObjectsLease> {
    const repository = formatRepositoryId(id);
    const { manifest } = state;
    const last = this.current.get(repository);
    if (last !== undefined) await this.look(last);
    let base = this.current.get(repository);
    if (base === undefined || !agrees(base, manifest)) {
      if (base !== undefined) this.retire(base);
      base = this.begin(id, repository, manifest);
    }
    this.current.delete(repository);
    this.current.set(repository, base);
    base.users++;
    const lease = this.lease(base);
    try {
      await this.complete(base, id, manifest);
      return lease;
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /** Removes unused bases, except the last `keep`. */
  async dropIdle(keep: number): Promise<void> {
    const idle = [...this.current.values()].filter(({ users }) => users === 0);
    const all = idle.slice(0, Math.max(0, idle.length - keep));
    for (const base of all) this.current.delete(base.repository);
    await Promise.all(all.map((base) => this.remove(base)));
  }

  private begin(id: RepositoryId, repository: string, manifest: GitState): Base {
    const path = join(this.folder, String(this.made++));
    const base: Base = {
      path,
      repository,
      incarnation: manifest.incarnation,
      epoch: manifest.epoch,
      packs: new Set(),
      found: new Set(),
      pinned: [],
      check: new FolderCheck(path, this.clock),
      isDamaged: false,
      users: 0,
      made: Promise.resolve(),
      changing: Promise.resolve(),
    };
    const { graph: _, ...rest } = manifest;
    const bare = { ...rest, refs: new Map(), peeled: new Map(), packs: [] };
    base.made = writeSnapshot(this.artifacts, id, bare, path);
    base.made.catch(() => {
      // The next push starts a new base.
      if (this.current.get(repository) === base) this.current.delete(repository);
    });
    return base;
  }

  /** Links the missing packs, after all earlier changes to the base. */
  private async complete(base: Base, id: RepositoryId, manifest: GitState): Promise<void> {
    const completing = base.changing.then(async () => {
      await base.made;
      const missing = manifest.packs.filter(({ pack }) => !base.packs.has(pack.digest));
      if (missing.length === 0) return;
      // Record the packs first: other pushes use the folder, and git finds each pack as soon as it is linked.
      for (const { pack } of missing) base.found.add(pack.digest);
      base.pinned.push(...(await addPacks(this.artifacts, id, manifest, missing, base.path)));
      for (const { pack } of missing) base.packs.add(pack.digest);
    });
    base.changing = completing.catch(() => undefined);
    await completing;
  }

  private lease(base: Base): ObjectsLease {
    let held = true;
    return {
      path: base.path,
      packs: () => new Set(base.found),
      isWhole: async () => {
        await this.look(base);
        return !base.isDamaged;
      },
      release: () => {
        if (!held) return;
        held = false;
        base.users--;
        if (base.users > 0) return;
        if (this.current.get(base.repository) !== base) void this.remove(base);
        else if (this.current.size > IDLE_KEPT) void this.dropIdle(IDLE_KEPT);
      },
    };
  }

  /** Retires a base if it is time to look and files of it are missing. */
  private async look(base: Base): Promise<void> {
    if (!base.check.isDue()) return;
    // Of one that cannot be made, the user of this moment hears.
    await base.made.catch(() => undefined);
    if (await base.check.isWhole(2 * base.packs.size)) return;
    base.isDamaged = true;
    if (this.current.get(base.repository) === base) this.retire(base);
  }

  private retire(base: Base): void {
    this.current.delete(base.repository);
    if (base.users === 0) void this.remove(base);
  }

  private async remove(base: Base): Promise<void> {
    await base.changing;
    // Best effort: the next start removes what cannot be removed now.
    await rm(base.path, { recursive: true, force: true }).catch(() => undefined);
    for (const file of base.pinned) file.release();
  }
}

/** Whether all packs of one are among those of the other: then one may be a later state of the other. */
function agrees(
  base: Base,
  { incarnation, epoch, packs }: Pick<GitState, 'incarnation' | 'epoch' | 'packs'>,
): boolean {
  if (base.incarnation !== incarnation || base.epoch !== epoch) return false;
  const named = new Set(packs.map(({ pack }) => pack.digest));
  const [fewer, more] = named.size < base.packs.size ? [named, base.packs] : [base.packs, named];
  return [...fewer].every((digest) => more.has(digest));
}
