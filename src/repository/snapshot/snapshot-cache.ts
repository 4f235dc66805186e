import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import type { ArtifactCache, PinnedFile } from '../cache/artifact-cache.ts';
import { ObjectBases } from '../cache/object-bases.ts';
import type { PublishedGitState } from '../git/git-manifest.ts';
import type { RepositoryId } from '../repository-id.ts';
import { formatRepositoryId } from '../repository-id.ts';
import { FolderCheck } from './folder-check.ts';
import { PackedRefsFiles } from './packed-refs-files.ts';
import { packFilesOf, writeSnapshot } from './snapshot.ts';

/** A snapshot in use. Its folder stays until `release` is called. */
export interface SnapshotLease {
  readonly path: string;
  release(): void;
}

interface Snapshot {
  /** The repository and its manifest: see {@link ManifestMemory} for why the digest is not enough. */
  readonly name: string;
  readonly path: string;
  readonly repository: string;
  readonly pinned: readonly PinnedFile[];
  readonly check: FolderCheck;
  users: number;
}

/** Idle snapshots kept for the next reader. */
const IDLE_KEPT = 64;

/**
 * One read-only bare repository per manifest, created once, shared by all readers of that manifest, removed when
 * idle.
 */
export class SnapshotCache {
  /** The object folders for pushes. */
  readonly bases: ObjectBases;
  private readonly folder: string;
  private readonly artifacts: ArtifactCache;
  private readonly clock: Pick<Clock, 'monotonic'>;
  private readonly packedRefs: PackedRefsFiles;
  private readonly snapshots = new Map<string, Snapshot>();
  private readonly making = new SingleFlight<string, void>();
  private made = 0;

  constructor(folder: string, artifacts: ArtifactCache, clock: Pick<Clock, 'monotonic'>) {
    this.folder = folder;
    this.artifacts = artifacts;
    this.clock = clock;
    this.packedRefs = new PackedRefsFiles(join(folder, 'packed-refs'));
    this.bases = new ObjectBases(join(folder, 'bases'), artifacts, clock);
    artifacts.onPressure = async () => {
      await Promise.all([this.dropIdle(0), this.bases.dropIdle(0)]);
    };
  }

  /** Removes the files of an earlier run. */
  async open(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await makeFolder(this.folder, PRIVATE_FOLDER);
  }

  /**
   * Returns the snapshot of a manifest, and creates it first if needed: also if somebody has deleted files of it.
   * @throws CairnError as {@link writeSnapshot}
   */
  async acquire(id: RepositoryId, state: PublishedGitState): Promise<SnapshotLease> {
    const name = `${formatRepositoryId(id)} ${state.digest}`;
    for (;;) {
      const snapshot = this.snapshots.get(name);
      if (snapshot === undefined) {
        await this.making.run(name, () => this.make(id, state, name));
        continue;
      }
      const lease = this.lease(snapshot);
      if (!snapshot.check.isDue() || (await snapshot.check.isWhole(packFilesOf(state.manifest))))
        return lease;
      if (this.snapshots.get(name) === snapshot) this.snapshots.delete(name);
      lease.release();
    }
  }

  private async make(id: RepositoryId, state: PublishedGitState, name: string): Promise<void> {
    const path = join(this.folder, `${state.digest}-${this.made++}`);
    const pinned = await writeSnapshot(this.artifacts, id, state.manifest, path, this.packedRefs);
    const repository = formatRepositoryId(id);
    const older = [...this.snapshots].filter(
      ([, snapshot]) => snapshot.repository === repository && snapshot.users === 0,
    );
    const check = new FolderCheck(path, this.clock);
    this.snapshots.set(name, { name, path, repository, pinned, check, users: 0 });
    // An idle snapshot of an earlier manifest has no more readers, except for requests for the past.
    await Promise.all(older.map(([, snapshot]) => this.drop(snapshot)));
  }

  private lease(snapshot: Snapshot): SnapshotLease {
    const { name } = snapshot;
    snapshot.users++;
    this.snapshots.delete(name);
    this.snapshots.set(name, snapshot);
    let held = true;
    return {
      path: snapshot.path,
      release: () => {
        if (!held) return;
        held = false;
        snapshot.users--;
        if (snapshot.users > 0) return;
        if (this.snapshots.get(name) !== snapshot) void this.drop(snapshot);
        else if (this.snapshots.size > IDLE_KEPT) void this.dropIdle(IDLE_KEPT);
      },
    };
  }

  private async dropIdle(keep: number): Promise<void> {
    const idle = [...this.snapshots].filter(([, snapshot]) => snapshot.users === 0);
    const all = idle.slice(0, Math.max(0, idle.length - keep));
    await Promise.all(all.map(([, snapshot]) => this.drop(snapshot)));
  }

  private async drop(snapshot: Snapshot): Promise<void> {
    const { name, users } = snapshot;
    if (users > 0) return;
    if (this.snapshots.get(name) === snapshot) this.snapshots.delete(name);
    // Best effort: the next start removes what cannot be removed now.
    await rm(snapshot.path, { recursive: true, force: true }).catch(() => undefined);
    for (const file of snapshot.pinned) file.release();
  }
}
