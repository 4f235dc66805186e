/** Changes that an operator makes to a repository from the command line. Each is an ordinary publish. */
import { isBranch, type ObjectFormat, refNameProblem } from '../git/index.ts';
import { CairnError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { mirroredRefProblem } from '../policy/mirrored-refs.ts';
import type { ArtifactStore } from '../repository/artifact-store.ts';
import type { Committed } from '../repository/committed.ts';
import {
  emptyState,
  type GitManifest,
  type GitState,
  type PublishedGitState,
} from '../repository/git/git-manifest.ts';
import type { GitRepository } from '../repository/git/git-repository.ts';
import { withPacksLeft } from '../repository/git/unreachable.ts';
import { findInHistory } from './history.ts';

/**
 * Creates an empty repository.
 * @throws CairnError `conflict` when it already exists
 */
export async function createRepository(
  repository: GitRepository,
  options: { readonly objectFormat: ObjectFormat; readonly head: string; readonly random: Random },
): Promise<Committed<GitManifest>> {
  checkBranchName(options.head);
  const initial = emptyState(repository.id.identifier, options.objectFormat, options.random.hex(16));
  return publishState(repository, 'announce', (state) => {
    if (state !== undefined) throw new CairnError('conflict', `the repository ${repository} already exists`);
    return { ...initial, head: options.head };
  });
}

/**
 * Points HEAD at a branch.
 * @throws CairnError `not-found` when the repository or, in a repository that has branches, the branch does not exist; `conflict` when
 *   the repository follows another one
 */
export async function setHead(repository: GitRepository, branch: string): Promise<Committed<GitManifest>> {
  checkBranchName(branch);
  return publishState(repository, 'head', (state) => {
    const existing = mustExist(repository, state);
    const hasBranches = [...existing.refs.keys()].some(isBranch);
    if (hasBranches && !existing.refs.has(branch)) {
      throw new CairnError('not-found', `the repository ${repository} has no branch ${branch}`);
    }
    if (existing.head === branch) return undefined;
    // The next run of a mirror that follows would undo it.
    const problem = mirroredRefProblem(existing.mirrors, 'HEAD');
    if (problem !== undefined) throw new CairnError('conflict', problem);
    return { ...existing, head: branch };
  });
}

/**
 * Publishes the refs, HEAD and packs of an earlier state again, as a new state: nothing in between is lost. Later
 * packs stay beside them until a fold, so that what refs reached until now keeps its grace period.
 * @param which depth or digest of the state, see {@link findInHistory}
 * @throws CairnError `not-found` when there is no such state; `corrupt` when artifacts it needs are gone
 */
export async function restore(
  repository: GitRepository,
  { artifacts, random }: { readonly artifacts: ArtifactStore; readonly random: Random },
  which: string,
): Promise<Committed<GitManifest>> {
  const current = mustExist(repository, await repository.resolveOwnKind());
  const { manifest: past } = await findInHistory(repository, current, which);
  if (past.incarnation !== current.manifest.incarnation) {
    throw new CairnError('invalid', `state ${which} belongs to an earlier repository of that name`);
  }
  for (const { kind, ref } of repository.kind.artifacts(past))
    await artifacts.mustExist(repository.id, kind, ref);
  return publishState(repository, 'restore', (state) => {
    const { graph: _current, ...existing } = mustExist(repository, state);
    const { head, refs, peeled, packs, graph } = past;
    if (sameRefs(existing, past)) return undefined;
    return {
      ...existing,
      epoch: random.hex(16),
      head,
      refs,
      peeled,
      packs: withPacksLeft(packs, existing.packs),
      ...(graph === undefined ? {} : { graph }),
    };
  });
}

async function publishState(
  repository: GitRepository,
  kind: 'announce' | 'head' | 'restore',
  change: (state: GitState | undefined) => GitState | undefined,
): Promise<Committed<GitManifest>> {
  await repository.resolveOwnKind();
  const { committed } = await repository.publisher.join({
    since: 0,
    alone: true,
    evaluate: async (current) => {
      const next = change(current);
      if (next === undefined) return { result: undefined };
      const refs = changedRefs(current, next);
      return {
        next,
        cause: { kind, actor: null, evidence: null, refs },
        result: undefined,
      };
    },
  });
  return committed;
}

function changedRefs(before: GitState | undefined, after: GitState): string[] {
  const names = new Set([...(before?.refs.keys() ?? []), ...after.refs.keys()]);
  return [...names].filter((name) => before?.refs.get(name) !== after.refs.get(name));
}

function sameRefs(a: GitState, b: GitManifest): boolean {
  if (a.head !== b.head || a.refs.size !== b.refs.size) return false;
  for (const [name, oid] of a.refs) if (b.refs.get(name) !== oid) return false;
  return true;
}

function mustExist<S extends PublishedGitState | GitState>(
  repository: GitRepository,
  state: S | undefined,
): S {
  if (state === undefined) throw new CairnError('not-found', `there is no repository ${repository}`);
  return state;
}

function checkBranchName(name: string): void {
  const problem = isBranch(name) ? refNameProblem(name) : 'it does not begin with refs/heads/';
  if (problem !== undefined)
    throw new CairnError('invalid', `${JSON.stringify(name)} is not a branch: ${problem}`);
}
