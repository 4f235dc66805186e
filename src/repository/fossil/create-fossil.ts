import { createHash } from 'node:crypto';
import { CairnError } from '../../lib/errors.ts';
import type { Change, Evaluation } from '../change.ts';
import { formatRepositoryId, type RepositoryId } from '../repository-id.ts';
import { emptyFossilState, type FossilManifest, type FossilState } from './fossil-manifest.ts';

/** What a new project may bring along. */
export interface NewProject {
  /** 40 hex digits, of a project that exists elsewhere. Without one it is derived. */
  readonly projectCode?: string;
  readonly projectName?: string;
  readonly hashPolicy?: FossilState['hashPolicy'];
}

/**
 * The project code of a repository that no other project code was given for. It follows from the name alone, so that a stranger
 * can be told it whether there is a repository of that name or not: a client needs the code to prove its password.
 */
export function derivedProjectCode(id: RepositoryId): string {
  return createHash('sha1')
    .update(`cairn fossil project\n${formatRepositoryId(id)}\n`)
    .digest('hex');
}

/** The first state of a Fossil repository. @param incarnation random, 32 hex digits */
export function newFossilState(id: RepositoryId, incarnation: string, project: NewProject = {}): FossilState {
  const { projectCode = derivedProjectCode(id), projectName = '', hashPolicy } = project;
  const state = emptyFossilState(id.identifier, incarnation, projectCode, projectName);
  return hashPolicy === undefined ? state : { ...state, hashPolicy };
}

/** Makes a Fossil repository where there is none. */
export class CreateFossil implements Change<FossilManifest, void> {
  readonly since: number;
  private readonly state: FossilState;

  constructor(state: FossilState, since: number) {
    this.state = state;
    this.since = since;
  }

  async evaluate(current: FossilState | undefined): Promise<Evaluation<FossilManifest, void>> {
    if (current !== undefined) throw new CairnError('conflict', 'there is a repository of this name already');
    const cause = { kind: 'configure', actor: null, evidence: null, artifacts: 0, unversioned: 0 } as const;
    return { next: this.state, cause, result: undefined };
  }
}
