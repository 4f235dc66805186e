import { CairnError } from '../../lib/errors.ts';
import type { FossilActor } from '../../repository/fossil/add-artifacts.ts';
import type { Bag } from '../../repository/fossil/bag.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import { prepareArtifacts } from '../../repository/fossil/intake.ts';
import type { IntakeLimits } from '../../repository/fossil/intake-limits.ts';
import type { Received } from '../../repository/fossil/prepared-artifacts.ts';
import { publishArtifacts } from '../../repository/fossil/publish-artifacts.ts';
import type { HeldArtifacts, LocalBag, TakenArtifacts } from './local-bag.ts';

/** A user with access to the store imports without a signature. */
const MIRRORED: FossilActor = { kind: 'mirror', actor: null, evidence: null };

/** A Fossil repository of the store as the side of a client. What each round brings is published. */
export class RepositoryBag implements LocalBag {
  private readonly repository: FossilRepository;
  private readonly limits: Partial<IntakeLimits>;
  private bag: Bag;

  private constructor(repository: FossilRepository, bag: Bag, limits: Partial<IntakeLimits>) {
    this.repository = repository;
    this.bag = bag;
    this.limits = limits;
  }

  /**
   * Opens a repository.
   * @throws CairnError `not-found` if there is none; OtherKindError if it is one of git
   */
  static async open(
    repository: FossilRepository,
    limits: Partial<IntakeLimits> = {},
  ): Promise<RepositoryBag> {
    const published = await repository.resolveOwnKind();
    if (published === undefined || published.manifest.lifecycle === 'withdrawn') {
      throw new CairnError('not-found', `there is no repository ${repository}: clone it first`);
    }
    return new RepositoryBag(repository, await repository.bagOf(published), limits);
  }

  get projectCode(): string {
    return this.bag.state.projectCode;
  }

  get held(): HeldArtifacts {
    return this.bag;
  }

  async take(received: Received): Promise<TakenArtifacts> {
    await using prepared = await prepareArtifacts(this.bag, received, this.limits);
    const { bag, added, unversioned } = await publishArtifacts(this.repository, prepared, MIRRORED);
    this.bag = bag;
    return { artifacts: added.length, waiting: prepared.waiting.length, unversioned };
  }
}
