import { CairnError } from '../../lib/errors.ts';
import type { Change, Evaluation } from '../change.ts';
import type { FossilManifest, FossilState } from './fossil-manifest.ts';

/**
 * Publishes a whole project at once: where there is no repository, or in one that is empty. A repository that was announced keeps
 * its announcement and takes over the code of the project.
 */
export class FillFossil implements Change<FossilManifest, void> {
  readonly since: number;
  private readonly base: FossilState | undefined;
  private readonly filled: FossilState;
  private readonly unversioned: number;

  /**
   * @param base what was published when the filling began; undefined if there was nothing
   * @param filled what is to be published instead
   * @param unversioned how many unversioned files it has
   */
  constructor(base: FossilState | undefined, filled: FossilState, unversioned: number, since: number) {
    this.base = base;
    this.filled = filled;
    this.unversioned = unversioned;
    this.since = since;
  }

  async evaluate(current: FossilState | undefined): Promise<Evaluation<FossilManifest, void>> {
    const { base, filled, unversioned } = this;
    if (!isFillable(current) || current?.incarnation !== base?.incarnation) throw notEmpty();
    const { projectCode, projectName, hashPolicy, packs, artifacts } = filled;
    const content = { projectCode, projectName, hashPolicy, packs, artifacts, lifecycle: 'live' } as const;
    const next = current === undefined ? filled : { ...current, ...content };
    const cause = { kind: 'mirror', actor: null, evidence: null, artifacts, unversioned } as const;
    return { next, cause, result: undefined };
  }
}

/** Whether a project can come in as a whole. */
export function isFillable(current: FossilState | undefined): boolean {
  return current === undefined || (current.lifecycle !== 'withdrawn' && current.packs.length === 0);
}

/** What is said where it cannot. */
export function notEmpty(): CairnError {
  return new CairnError(
    'conflict',
    'there is a repository of this name already, and it is not empty: pull into it instead',
  );
}
