import { newFossilState } from '../../repository/fossil/create-fossil.ts';
import type { FossilManifest } from '../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { type AnnouncedKind, type WithKind, withKind } from './announced-kind.ts';

/** How repositories of Fossil are announced. */
export function fossilAnnounced(repositories: { get(id: RepositoryId): FossilRepository }): WithKind {
  const kind: AnnouncedKind<FossilManifest> = {
    name: 'fossil',
    get: (id) => repositories.get(id),
    begin: (id, { name }, incarnation) =>
      newFossilState(id, incarnation, name === undefined ? {} : { projectName: shortened(name) }),
    misfit: () => undefined,
    emptied: (state) => ({ ...state, packs: [], artifacts: 0 }),
    cause: (cause, actor, evidence) => ({ kind: cause, actor, evidence, artifacts: 0, unversioned: 0 }),
  };
  return withKind(kind);
}

/** Longest name of a project that is taken over, in characters. */
const LONGEST_NAME = 200;

function shortened(name: string): string {
  return [...name].slice(0, LONGEST_NAME).join('');
}
