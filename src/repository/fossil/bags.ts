import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Clock } from '../../lib/clock.ts';
import { concurrently } from '../../lib/concurrently.ts';
import { cooperate } from '../../lib/cooperative.ts';
import { sha256 } from '../../lib/digest.ts';
import { LruMap } from '../../lib/lru.ts';
import type { Random } from '../../lib/random.ts';
import type { ScratchFiles } from '../../lib/scratch-files.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import { formatRepositoryId, type RepositoryId } from '../repository-id.ts';
import { Bag, type BagContext, type BagSource } from './bag.ts';
import { BagDraft, type BagState, ownMemory } from './bag-state.ts';
import type { ContentCache } from './content-cache.ts';
import type { FossilPack, FossilState } from './fossil-manifest.ts';
import { NameHash } from './name-table.ts';
import type { PackReader } from './pack-reader.ts';
import { SharedFileCards } from './shared-file-cards.ts';

/** States of one repository that are kept: those that clones are pinned to are asked for again. */
const KEPT = 4;

/** Indexes that are read at once. */
const READS = 8;

export interface BagsOptions {
  readonly reader: PackReader;
  readonly random: Random;
  /** Tells for how long deltas have waited. */
  readonly clock: Pick<Clock, 'now'>;
  /** Bytes of memory for what is derived from states. */
  readonly memory: number;
  readonly contents?: ContentCache;
  /** For contents and packs that are too large for memory. */
  readonly scratch: ScratchFiles;
}

/** What a state is derived from. */
type Content = Pick<FossilState, 'packs' | 'shunned'>;

/** The bags of all Fossil repositories. Those used last are kept; a new state is derived from the one before it. */
export class Bags {
  readonly context: BagContext;
  private readonly known: LruMap<string, readonly BagState[]>;
  private readonly deriving = new SingleFlight<string, BagState>();

  constructor({ reader, random, clock, memory, contents, scratch }: BagsOptions) {
    const hash = new NameHash(random);
    this.context = { reader, contents, hash, cards: new SharedFileCards(), clock, scratch };
    this.known = new LruMap(memory);
  }

  /** Bytes of memory that kept states take. */
  get memory(): number {
    return this.known.weight;
  }

  /**
   * What a published state holds. Without a request if this or an earlier state is in memory and the packs since then were made
   * by this process.
   * @throws CairnError `corrupt` naming what is damaged; `unavailable` when the store does not answer
   */
  async of(id: RepositoryId, published: BagSource): Promise<Bag> {
    return new Bag(id, published, await this.state(id, published.manifest), this.context);
  }

  /** What is derived from the packs of a state, which need not be published. @throws as {@link of} */
  async state(id: RepositoryId, content: Content): Promise<BagState> {
    const repository = formatRepositoryId(id);
    const known = this.known.get(repository)?.find((state) => isOf(state, content));
    if (known !== undefined) return known;
    const digests = content.packs.map(({ pack }) => pack.digest).join('');
    const key = `${repository} ${sha256(digests + content.shunned.join(''))}`;
    return this.deriving.run(key, () => this.derive(id, repository, content));
  }

  private async derive(id: RepositoryId, repository: string, content: Content): Promise<BagState> {
    const { reader, hash } = this.context;
    let base: BagState | undefined;
    for (const state of this.known.get(repository) ?? []) {
      const isNearer = base === undefined || state.packs.length > base.packs.length;
      if (isNearer && isBefore(state, content)) base = state;
    }
    const missing = content.packs.slice(base?.packs.length ?? 0);
    const indexes = await concurrently(missing, READS, (pack) => reader.index(id, pack));
    const draft = base === undefined ? BagDraft.empty(hash, content.shunned) : BagDraft.from(base);
    for (const [at, pack] of missing.entries()) {
      const index = indexes[at];
      if (index !== undefined) await cooperate(draft.add(pack, index));
    }
    const state = draft.finish();
    this.keep(repository, state);
    return state;
  }

  private keep(repository: string, state: BagState): void {
    const states = [state, ...(this.known.get(repository) ?? [])].slice(0, KEPT);
    const tables = new Set(states.map(({ table }) => table));
    let weight = 0;
    for (const table of tables) weight += table.memory;
    for (const each of states) weight += ownMemory(each);
    this.known.set(repository, states, weight);
  }
}

function isOf(state: BagState, content: Content): boolean {
  return state.packs.length === content.packs.length && isBefore(state, content);
}

/** Whether the packs of a state are the first ones of a content. */
function isBefore({ packs, shunned }: BagState, content: Content): boolean {
  if (packs.length > content.packs.length || !areSame(shunned, content.shunned)) return false;
  return packs.every((pack, at) => isSamePack(pack, content.packs[at]));
}

function isSamePack(one: FossilPack, other: FossilPack | undefined): boolean {
  return one === other || (other !== undefined && one.pack.digest === other.pack.digest);
}

function areSame(one: readonly ArtifactName[], other: readonly ArtifactName[]): boolean {
  return one === other || (one.length === other.length && one.every((name, at) => name === other[at]));
}
