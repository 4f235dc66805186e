import type { Digest } from '../../lib/digest.ts';
import { sha256 } from '../../lib/digest.ts';
import type { Random } from '../../lib/random.ts';
import { AddArtifacts } from '../../repository/fossil/add-artifacts.ts';
import type { Bag } from '../../repository/fossil/bag.ts';
import { newFossilState } from '../../repository/fossil/create-fossil.ts';
import { FillFossil, isFillable, notEmpty } from '../../repository/fossil/fill-fossil.ts';
import { fossilKind } from '../../repository/fossil/fossil-kind.ts';
import type { FossilState, HashPolicy } from '../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import { prepareArtifacts } from '../../repository/fossil/intake.ts';
import type { IntakeLimits } from '../../repository/fossil/intake-limits.ts';
import type { Received } from '../../repository/fossil/prepared-artifacts.ts';
import type { ClonedProject, CloneTarget, DraftBag, HeldArtifacts, TakenArtifacts } from './local-bag.ts';

const MIRRORED = { kind: 'mirror', actor: null, evidence: null } as const;

const NOTHING: TakenArtifacts = { artifacts: 0, waiting: 0, unversioned: 0 };

/** A draft was never published; nothing is looked up by this digest. */
const NO_DIGEST: Digest = sha256('a state that is not published');

const HASH_POLICIES: readonly HashPolicy[] = ['sha1', 'auto', 'sha3', 'sha3-only', 'shun-sha1'];

/**
 * Clones into a repository of the store: a new one, or one that was created or announced and is empty. The packs are stored as they
 * come, and one publish names all of them at the end. A clone that fails leaves packs that nothing names.
 */
export class RepositoryCloneTarget implements CloneTarget {
  private readonly repository: FossilRepository;
  private readonly random: Random;
  private readonly limits: Partial<IntakeLimits>;

  constructor(repository: FossilRepository, random: Random, limits: Partial<IntakeLimits> = {}) {
    this.repository = repository;
    this.random = random;
    this.limits = limits;
  }

  /** @throws CairnError `conflict` if there is a repository that is not empty; OtherKindError if it is one of git */
  async begin(projectCode: string): Promise<DraftBag> {
    const { repository, random, limits } = this;
    const base = (await repository.resolveOwnKind())?.manifest;
    if (!isFillable(base)) throw notEmpty();
    const start =
      base === undefined
        ? newFossilState(repository.id, random.hex(16), { projectCode })
        : { ...base, projectCode };
    return new RepositoryDraft(repository, base, start, await draftBag(repository, start), limits);
  }
}

/** The state of a repository that is made and not published yet. */
class RepositoryDraft implements DraftBag {
  private readonly repository: FossilRepository;
  private readonly base: FossilState | undefined;
  private readonly limits: Partial<IntakeLimits>;
  private state: FossilState;
  private bag: Bag;

  constructor(
    repository: FossilRepository,
    base: FossilState | undefined,
    state: FossilState,
    bag: Bag,
    limits: Partial<IntakeLimits>,
  ) {
    this.repository = repository;
    this.base = base;
    this.state = state;
    this.bag = bag;
    this.limits = limits;
  }

  get projectCode(): string {
    return this.state.projectCode;
  }

  get held(): HeldArtifacts {
    return this.bag;
  }

  async take(received: Received): Promise<TakenArtifacts> {
    const { repository, state } = this;
    await using prepared = await prepareArtifacts(this.bag, received, this.limits);
    const { pack: built } = prepared;
    if (built === undefined) return NOTHING;
    const { generation } = state;
    const pack = await repository.artifacts.put(repository.id, 'bag', built.digest, built.body, {
      generation,
    });
    const entry = { kind: MIRRORED.kind, records: built.records, pack, index: built.index };
    const { reader } = repository.bags.context;
    reader.remember(entry, built.body);
    await reader.adopt(entry, built.body);
    const change = new AddArtifacts(repository, prepared, entry, MIRRORED, repository.mark());
    const { next } = await change.evaluate(state);
    if (next === undefined) return NOTHING;
    this.state = next;
    this.bag = await draftBag(repository, next);
    return {
      artifacts: prepared.artifacts.length,
      waiting: prepared.waiting.length,
      unversioned: prepared.unversioned.length,
    };
  }

  async commit({ projectName, hashPolicy }: ClonedProject): Promise<void> {
    const { repository, base, state } = this;
    const policy = HASH_POLICIES.find((known) => known === hashPolicy) ?? state.hashPolicy;
    const filled = { ...state, projectName, hashPolicy: policy };
    await repository.publisher.join(
      new FillFossil(base, filled, this.bag.view.unversioned.size, repository.mark()),
    );
  }
}

function draftBag(repository: FossilRepository, state: FossilState): Promise<Bag> {
  const link = { causes: [], receiptAt: 0, parent: null, depth: 0 };
  return repository.bagOf({ digest: NO_DIGEST, manifest: fossilKind.compose(state, link) });
}
