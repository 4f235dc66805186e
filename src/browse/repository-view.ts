import type { ComparisonSession } from '../git-process/comparison-session.ts';
import type { Git } from '../git-process/git.ts';
import type { ObjectSession } from '../git-process/object-session.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';

/** A published state of a repository, as pages read it. */
export interface RepositoryView {
  readonly manifest: GitManifest;
  /**
   * The path of the snapshot: a bare repository, which stays while the view is in use. It is made at the first request.
   * @throws CairnError `corrupt`, or `unavailable` when store or disk fail
   */
  gitDir(): Promise<string>;
  /** Reads objects. */
  readonly session: ObjectSession;
  /** Compares trees, where that is quick. */
  readonly comparisons: ComparisonSession;
  /** Runs what a session cannot answer. */
  readonly git: Git;
  /** Aborted when the visitor has gone or the time for the page is over. */
  readonly signal: AbortSignal;
  /** Called if a time limit has cut the result short, or a part of it could not be read: later it may be complete. */
  readonly onCut?: () => void;
}

/** Bytes of a raw object id. */
export function idLength({ manifest }: Pick<RepositoryView, 'manifest'>): number {
  return manifest.objectFormat === 'sha256' ? 32 : 20;
}
