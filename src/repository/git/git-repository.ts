import type { ObjectsLease } from '../cache/object-bases.ts';
import { Repository, type RepositoryContext } from '../repository.ts';
import type { RepositoryId } from '../repository-id.ts';
import type { SnapshotCache, SnapshotLease } from '../snapshot/snapshot-cache.ts';
import type { GitManifest, PublishedGitState } from './git-manifest.ts';

export interface GitRepositoryContext extends RepositoryContext<GitManifest> {
  readonly snapshots: SnapshotCache;
}

/** A repository of git: what every repository is, and its objects on local disk for git to work on. */
export class GitRepository extends Repository<GitManifest> {
  private readonly snapshots: SnapshotCache;

  constructor(id: RepositoryId, context: GitRepositoryContext) {
    super(id, context);
    this.snapshots = context.snapshots;
  }

  /** A read-only bare repository on local disk with exactly this state; release it when git is done. */
  snapshot(state: PublishedGitState): Promise<SnapshotLease> {
    return this.snapshots.acquire(this.id, state);
  }

  /** The objects of this state, and of later ones perhaps, for a push to work over; release them when git is done. */
  objects(state: PublishedGitState): Promise<ObjectsLease> {
    return this.snapshots.bases.acquire(this.id, state);
  }
}
