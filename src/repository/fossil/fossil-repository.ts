import type { ArtifactStore } from '../artifact-store.ts';
import { Repository, type RepositoryContext } from '../repository.ts';
import type { RepositoryId } from '../repository-id.ts';
import type { Bag, BagSource } from './bag.ts';
import type { Bags } from './bags.ts';
import type { CheckInLocks } from './check-in-locks.ts';
import type { FossilManifest } from './fossil-manifest.ts';

export interface FossilRepositoryContext extends RepositoryContext<FossilManifest> {
  readonly artifacts: ArtifactStore;
  readonly bags: Bags;
  readonly locks: CheckInLocks;
}

/** A Fossil repository: a repository whose published states are bags of artifacts. */
export class FossilRepository extends Repository<FossilManifest> {
  readonly artifacts: ArtifactStore;
  readonly bags: Bags;
  readonly locks: CheckInLocks;

  constructor(id: RepositoryId, context: FossilRepositoryContext) {
    super(id, context);
    this.artifacts = context.artifacts;
    this.bags = context.bags;
    this.locks = context.locks;
  }

  /**
   * What a published state holds.
   * @throws CairnError `corrupt` naming what is damaged; `unavailable` when the store does not answer
   */
  bagOf(published: BagSource): Promise<Bag> {
    return this.bags.of(this.id, published);
  }
}
