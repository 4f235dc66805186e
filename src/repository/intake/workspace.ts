import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { QuarantinePaths } from '../../git-process/commands.ts';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import type { ArtifactCache } from '../cache/artifact-cache.ts';
import type { ObjectsLease } from '../cache/object-bases.ts';
import type { GitState, PublishedGitState } from '../git/git-manifest.ts';
import type { GitRepository } from '../git/git-repository.ts';
import { writeSnapshot } from '../snapshot/snapshot.ts';
import type { IntakePaths } from './indexing/run-index-pack.ts';
import { openQuarantine, type Quarantine } from './quarantine.ts';

export interface IntakeWorkspaceOptions {
  readonly repository: GitRepository;
  readonly cache: ArtifactCache;
  /** Folder for quarantines, on the file system of the artifact cache. */
  readonly scratch: string;
  /** The substitute for a state if the repository does not exist yet. */
  readonly empty: GitState;
  /** Commits whose parents the sender does not have. */
  readonly shallow: readonly string[];
}

/** Objects in use, of a repository as it is published. */
interface Base {
  readonly path: string;
  release(): void;
}

/** Where one pack is taken in: its quarantine, over the objects of the state it met last. Nothing is made before it is needed. */
export class IntakeWorkspace {
  private readonly options: IntakeWorkspaceOptions;
  private quarantine: Quarantine | undefined;
  /** What the quarantine is over. */
  private base: Base | undefined;
  /** What it was over when the pack was taken in. */
  private objects: ObjectsLease | undefined;
  private receiving: Promise<IntakePaths> | undefined;
  /** Where the quarantine is over another state, once it was moved. */
  private moved: QuarantinePaths | undefined;

  constructor(options: IntakeWorkspaceOptions) {
    this.options = options;
  }

  /** The place to take the pack in, over the state the intake began with; the same one each time. */
  open(state: PublishedGitState | undefined): Promise<IntakePaths> {
    this.receiving ??= this.openOver(state);
    return this.receiving;
  }

  /** The quarantine over the state it was moved over last, or else over the one the intake began with. */
  async current(state: PublishedGitState | undefined): Promise<QuarantinePaths> {
    return this.moved ?? this.open(state);
  }

  /**
   * The same quarantine over another state, and over nothing but its packs.
   * @throws CairnError `corrupt` or `unavailable` when the state's packs cannot be had
   */
  async moveOver(state: PublishedGitState | undefined): Promise<QuarantinePaths> {
    this.leaveBase();
    this.moved = await this.pathsOver(state, (published) => this.options.repository.snapshot(published));
    return this.moved;
  }

  /** Digests of the packs that git found objects in where the pack was taken in, or may have by now. */
  packs(): ReadonlySet<string> {
    return this.objects?.packs() ?? new Set();
  }

  /** Gives everything back. No process may be at work in it any more. */
  async drop(): Promise<void> {
    this.leaveBase();
    await this.quarantine?.drop();
  }

  private async openOver(state: PublishedGitState | undefined): Promise<IntakePaths> {
    const paths = await this.pathsOver(state, async (published) => {
      this.objects = await this.options.repository.objects(published);
      return this.objects;
    });
    const { shallow } = this.options;
    if (shallow.length === 0) return paths;
    // Lets index-pack take in a pack that is cut where the sender's history is; completeness is proved without it.
    const shallowFile = join(paths.objects, 'shallow');
    await writeFile(shallowFile, `${shallow.join('\n')}\n`);
    return { ...paths, shallowFile };
  }

  /** The quarantine over a state; over an empty one beside it for a repository that does not exist yet. */
  private async pathsOver(
    state: PublishedGitState | undefined,
    objectsOf: (state: PublishedGitState) => Promise<Base>,
  ): Promise<QuarantinePaths> {
    const { repository, cache, empty } = this.options;
    const lease = state === undefined ? undefined : this.lean(objectsOf(state));
    const [objects] = await allSettledOrThrow([this.openQuarantine(), lease ?? Promise.resolve()]);
    if (this.base !== undefined) return { gitDir: this.base.path, objects };
    const gitDir = join(objects, 'empty');
    await writeSnapshot(cache, repository.id, empty, gitDir);
    return { gitDir, objects };
  }

  private async lean(base: Promise<Base>): Promise<void> {
    this.base = await base;
  }

  private async openQuarantine(): Promise<string> {
    this.quarantine ??= await openQuarantine(this.options.scratch);
    return this.quarantine.objects;
  }

  private leaveBase(): void {
    this.base?.release();
    this.base = undefined;
  }
}
