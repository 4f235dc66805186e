import { CairnError } from '../../lib/errors.ts';
import type { Change, Evaluation } from '../change.ts';
import type { CauseKind } from '../manifest.ts';
import type { FossilManifest, FossilState } from './fossil-manifest.ts';

/** What may be changed of a project beside its artifacts. */
export type FossilSettings = Partial<
  Pick<FossilState, 'projectName' | 'hashPolicy' | 'passwordSeries' | 'projectCode'>
>;

/** Changes settings of a project. Its project code can be changed only while it has no artifacts. */
export class ChangeFossilSettings implements Change<FossilManifest, void> {
  readonly since: number;
  private readonly change: (state: FossilState) => FossilSettings;
  private readonly actor: { readonly actor: string | null; readonly evidence: string | null };

  /** @param change the settings to change, from the state it is evaluated on */
  constructor(
    change: (state: FossilState) => FossilSettings,
    since: number,
    actor: { readonly actor: string | null; readonly evidence: string | null } = {
      actor: null,
      evidence: null,
    },
  ) {
    this.change = change;
    this.since = since;
    this.actor = actor;
  }

  async evaluate(current: FossilState | undefined): Promise<Evaluation<FossilManifest, void>> {
    const state = mustBeThere(current);
    const settings = this.change(state);
    const { projectCode = state.projectCode } = settings;
    if (projectCode !== state.projectCode && state.packs.length > 0) {
      throw new CairnError('conflict', 'the project code cannot change after artifacts were pushed');
    }
    return { next: { ...state, ...settings }, cause: causeOf('configure', this.actor), result: undefined };
  }
}

/** The state to change. @throws CairnError `not-found` if there is no repository, or a withdrawn one */
export function mustBeThere(current: FossilState | undefined): FossilState {
  if (current === undefined || current.lifecycle === 'withdrawn') {
    throw new CairnError('not-found', 'there is no such repository');
  }
  return current;
}

/** The cause of a change that brings no artifacts. */
export function causeOf(
  kind: CauseKind,
  { actor, evidence }: { readonly actor: string | null; readonly evidence: string | null },
) {
  return { kind, actor, evidence, artifacts: 0, unversioned: 0 };
}
