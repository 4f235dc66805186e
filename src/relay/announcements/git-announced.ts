import { emptyState, type GitManifest } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { type AnnouncedKind, type WithKind, withKind } from './announced-kind.ts';

/** How repositories of git are announced. */
export function gitAnnounced(repositories: { get(id: RepositoryId): GitRepository }): WithKind {
  const kind: AnnouncedKind<GitManifest> = {
    name: 'git',
    get: (id) => repositories.get(id),
    begin: (id, { objectFormat }, incarnation) =>
      emptyState(id.identifier, objectFormat ?? 'sha1', incarnation),
    misfit: ({ objectFormat }, { objectFormat: wanted }) =>
      wanted === undefined || wanted === objectFormat
        ? undefined
        : `the repository has the object format ${objectFormat}, which cannot be changed`,
    emptied: ({ graph: _none, epoch: _over, mirrors: _ended, ...rest }) => ({
      ...rest,
      refs: new Map(),
      peeled: new Map(),
      packs: [],
      appliedState: null,
    }),
    cause: (cause, actor, evidence, emptied) => ({
      kind: cause,
      actor,
      evidence,
      refs: emptied === undefined ? [] : [...emptied.refs.keys()],
    }),
  };
  return withKind(kind);
}
