import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Change, Evaluation } from '../change.ts';
import type { FossilManifest, FossilState } from './fossil-manifest.ts';
import type { FossilRepository } from './fossil-repository.ts';

/** Most artifacts that one repository shuns: all are in its manifest. */
export const MOST_SHUNNED = 50_000;

/** Which artifacts to shun, and which not any more. */
export interface ShunRequest {
  readonly shun?: readonly ArtifactName[];
  readonly unshun?: readonly ArtifactName[];
}

/**
 * Changes which artifacts never travel. They are gone from views at once; their bytes go with the next fold of their packs. One that
 * is shunned no more is shown again if it is still in a pack; otherwise it may come again.
 */
export class ChangeShun implements Change<FossilManifest, void> {
  readonly since: number;
  private readonly repository: FossilRepository;
  private readonly request: ShunRequest;
  private readonly actor: { readonly actor: string | null; readonly evidence: string | null };

  constructor(
    repository: FossilRepository,
    request: ShunRequest,
    since: number,
    actor: { readonly actor: string | null; readonly evidence: string | null } = {
      actor: null,
      evidence: null,
    },
  ) {
    this.repository = repository;
    this.request = request;
    this.since = since;
    this.actor = actor;
  }

  async evaluate(current: FossilState | undefined): Promise<Evaluation<FossilManifest, void>> {
    if (current === undefined || current.lifecycle === 'withdrawn') {
      throw new CairnError('not-found', 'there is no such repository');
    }
    const { shun = [], unshun = [] } = this.request;
    const names = new Set([...current.shunned, ...shun]);
    for (const name of unshun) names.delete(name);
    if (names.size > MOST_SHUNNED) {
      throw new CairnError('too-large', `a repository shuns ${MOST_SHUNNED} artifacts at most`);
    }
    const shunned = [...names].sort();
    const { publicCount } = await this.repository.bags.state(this.repository.id, { ...current, shunned });
    return {
      next: { ...current, shunned, artifacts: publicCount },
      cause: { kind: 'shun', ...this.actor, artifacts: 0, unversioned: 0 },
      result: undefined,
    };
  }
}
