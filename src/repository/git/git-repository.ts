import type { ObjectsLease } from '../cache/object-bases.ts';
import { Repository, type RepositoryContext } from '../repository.ts';
import type { RepositoryId } from '../repository-id.ts';
import type { SnapshotCache, SnapshotLease } from '../snapshot/snapshot-cache.ts';
import type { GitManifest, PublishedGitState } from './git-manifest.ts';

export interface GitRepositoryContext extends RepositoryContext<GitManifest> {
  readonly snapshots: SnapshotCache;
}

/** A git repository: a repository whose objects can be put on local disk for git. */
export class GitRepository extends Repository<GitManifest> {
  private readonly snapshots: SnapshotCache;

  constructor(id: RepositoryId, context: GitRepositoryContext) {
    super(id, context);
    this.snapshots = context.snapshots;
  }

  /** A read-only bare repository on local disk with exactly this state. The caller releases it after use. */
  snapshot(state: PublishedGitState): Promise<SnapshotLease> {
    return this.snapshots.acquire(this.id, state);
  }

  /**
   * The objects of this state, and possibly of later ones, for a push to work over. The caller releases them after
   * use.
   */
  objects(state: PublishedGitState): Promise<ObjectsLease> {
    return this.snapshots.bases.acquire(this.id, state);
  }
}
