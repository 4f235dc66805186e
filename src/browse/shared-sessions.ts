import { ComparisonSession } from '../git-process/comparison-session.ts';
import type { Git } from '../git-process/git.ts';
import { ObjectSession } from '../git-process/object-session.ts';
import type { ObjectsLease } from '../repository/cache/object-bases.ts';
import type { PublishedGitState } from '../repository/git/git-manifest.ts';
import type { GitRepository } from '../repository/git/git-repository.ts';

/** Sessions in use, until they are given back. */
export interface SessionsLease {
  /** The folder that they read. */
  readonly path: string;
  readonly session: ObjectSession;
  readonly comparisons: ComparisonSession;
  /** False once somebody has deleted files of the folder. */
  isWhole(): Promise<boolean>;
  /** Ends git if nobody else uses these sessions. It never rejects. */
  giveBack(): Promise<void>;
}

interface OpenSessions extends Pick<SessionsLease, 'session' | 'comparisons'> {
  readonly objects: ObjectsLease;
  users: number;
}

/**
 * Sessions over the objects of repositories. They read the folder that pushes work over, which grows with each of them: so the
 * states of a repository share their git, and the first page after a push starts none. Such a folder may have objects of later
 * states, too. A reader of one state may read the others.
 */
export class SharedSessions {
  private readonly git: Git;
  /** By the path of the folder. */
  private readonly open = new Map<string, OpenSessions>();

  constructor(git: Git) {
    this.git = git;
  }

  /** @throws CairnError `corrupt`, or `unavailable` when store or disk fail */
  async acquire(repository: GitRepository, state: PublishedGitState): Promise<SessionsLease> {
    const objects = await repository.objects(state);
    const { path } = objects;
    const kept = this.open.get(path);
    if (kept !== undefined) {
      objects.release();
      kept.users++;
      return this.lease(path, kept);
    }
    const session = new ObjectSession(this.git, path);
    const opened = { objects, session, comparisons: new ComparisonSession(this.git, path), users: 1 };
    this.open.set(path, opened);
    return this.lease(path, opened);
  }

  private lease(path: string, sessions: OpenSessions): SessionsLease {
    const { session, comparisons, objects } = sessions;
    return {
      path,
      session,
      comparisons,
      isWhole: () => objects.isWhole(),
      giveBack: async () => {
        sessions.users--;
        if (sessions.users > 0) return;
        if (this.open.get(path) === sessions) this.open.delete(path);
        await Promise.all([session.close(), comparisons.close()]);
        objects.release();
      },
    };
  }
}
