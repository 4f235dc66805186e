/** What a target would lose by becoming what is published here. */
import { isBranch, isTag } from '../../git/index.ts';
import type { Git } from '../../git-process/git.ts';
import { inspectObjects } from '../../git-process/inspect-objects.ts';
import { publicError } from '../../lib/errors.ts';
import type { PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';

/** Refs that an error names. */
const MOST_NAMED = 3;

/**
 * Refuses the first run of a mirror into a target with refs or objects that this repository does not have: branches and tags that would be deleted, and values whose
 * objects this repository does not have. Older values of what is here are no loss.
 * @param prune whether branches and tags that only the target has are deleted
 * @throws CairnError `forbidden` with the names of some refs; as `GitRepository.snapshot`; the signal's reason
 */
export async function refuseLosses(
  { git, repository, signal }: { git: Git; repository: GitRepository; signal: AbortSignal },
  state: PublishedGitState,
  target: ReadonlyMap<string, string>,
  prune: boolean,
): Promise<void> {
  const { refs } = state.manifest;
  const theirs = [...target].filter(
    ([name, oid]) => (isBranch(name) || isTag(name)) && refs.get(name) !== oid,
  );
  const deleted = theirs.filter(([name]) => !refs.has(name));
  const replaced = theirs.filter(([name]) => refs.has(name));
  const known = await knownAmong(git, repository, state, [...replaced.map(([, oid]) => oid)], signal);
  const lost = [...(prune ? deleted : []), ...replaced.filter(([, oid]) => !known.has(oid))];
  if (lost.length === 0) return;
  const names = lost.slice(0, MOST_NAMED).map(([name]) => name);
  const more = lost.length > names.length ? ', …' : '';
  const leave = prune ? ', or with --no-prune to leave refs that only the target has' : '';
  throw publicError(
    'forbidden',
    `the target has what is not here, and would lose it: ${names.join(', ')}${more}. Remove this mirror, and add it with ${prune ? '--prune' : '--overwrite'} to allow that${leave}`,
  );
}

/** Those of some objects that the repository has. */
async function knownAmong(
  git: Git,
  repository: GitRepository,
  state: PublishedGitState,
  oids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, unknown>> {
  if (oids.length === 0) return new Map();
  const snapshot = await repository.snapshot(state);
  try {
    const paths = { gitDir: snapshot.path, objects: `${snapshot.path}/objects` };
    return await inspectObjects(git, paths, oids, signal);
  } finally {
    snapshot.release();
  }
}
