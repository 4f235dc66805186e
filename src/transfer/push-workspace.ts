import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { QuarantinePaths } from '../git-process/commands.ts';
import type { ArtifactCache } from '../repository/artifact-cache.ts';
import type { ParentState, RepositoryState } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import { writeSnapshot } from '../repository/snapshot.ts';
import type { SnapshotLease } from '../repository/snapshot-cache.ts';
import { openQuarantine, type Quarantine, type ReceivingPaths } from './quarantine.ts';

export interface PushWorkspaceOptions {
  readonly repository: Repository;
  readonly cache: ArtifactCache;
  /** Folder for quarantines, on the file system of the artifact cache. */
  readonly scratch: string;
  /** What stands in for a state when the repository does not exist yet. */
  readonly initial: RepositoryState;
  /** Commits whose parents the client does not have. */
  readonly shallow: readonly string[];
}

/** Where one push works: its quarantine, over a snapshot of the state it met last. Nothing is made before it is needed. */
export class PushWorkspace {
  private readonly options: PushWorkspaceOptions;
  private quarantine: Quarantine | undefined;
  private snapshot: SnapshotLease | undefined;
  private receiving: Promise<ReceivingPaths> | undefined;
  /** Where the quarantine is over another state, once it was moved. */
  private moved: QuarantinePaths | undefined;

  constructor(options: PushWorkspaceOptions) {
    this.options = options;
  }

  /** The place to take the pack in, over the state the push began with; the same one each time. */
  open(state: ParentState | undefined): Promise<ReceivingPaths> {
    this.receiving ??= this.openOver(state);
    return this.receiving;
  }

  /** The quarantine over the state it was moved over last, or else over the one the push began with. */
  async current(state: ParentState | undefined): Promise<QuarantinePaths> {
    return this.moved ?? this.open(state);
  }

  /**
   * The same quarantine over another state.
   * @throws CairnError `corrupt` or `unavailable` when the state's packs cannot be had
   */
  async moveOver(state: ParentState | undefined): Promise<QuarantinePaths> {
    this.quarantine ??= await openQuarantine(this.options.scratch);
    this.snapshot?.release();
    this.snapshot = undefined;
    this.moved = { gitDir: await this.gitDirFor(state, this.quarantine), objects: this.quarantine.objects };
    return this.moved;
  }

  /** Gives everything back. No process may be at work in it any more. */
  async drop(): Promise<void> {
    this.snapshot?.release();
    await this.quarantine?.drop();
  }

  private async openOver(state: ParentState | undefined): Promise<ReceivingPaths> {
    this.quarantine = await openQuarantine(this.options.scratch);
    const paths = await this.moveOver(state);
    const { shallow } = this.options;
    if (shallow.length === 0) return paths;
    // Lets index-pack take in a pack that is cut where the client's history is; completeness is proved without it.
    const shallowFile = join(this.quarantine.folder, 'shallow');
    await writeFile(shallowFile, `${shallow.join('\n')}\n`);
    return { ...paths, shallowFile };
  }

  /** The snapshot of a state; for a repository that does not exist yet, an empty one beside the quarantine. */
  private async gitDirFor(state: ParentState | undefined, quarantine: Quarantine): Promise<string> {
    const { repository, cache, initial } = this.options;
    if (state === undefined) {
      const path = join(quarantine.folder, 'empty');
      await writeSnapshot(cache, repository.id, initial, path);
      return path;
    }
    this.snapshot = await repository.snapshot(state);
    return this.snapshot.path;
  }
}
