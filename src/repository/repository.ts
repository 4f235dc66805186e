import type { Clock } from '../lib/clock.ts';
import type { Dice } from '../lib/dice.ts';
import type { Digest } from '../lib/digest.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { Manifest, ParentState } from './manifest.ts';
import type { ManifestStore } from './manifest-store.ts';
import { readPointer } from './pointer.ts';
import { type ObservedState, Publisher, type PublisherHost, type PublishObserver } from './publisher.ts';
import type { RepositoryId } from './repository-id.ts';
import { formatRepositoryId } from './repository-id.ts';
import type { SnapshotCache, SnapshotLease } from './snapshot-cache.ts';
import { type SwapResult, swapPointer } from './swap.ts';

export interface RepositoryContext {
  readonly control: ObjectStore;
  readonly manifests: ManifestStore;
  readonly snapshots: SnapshotCache;
  readonly clock: Clock;
  readonly dice: Dice;
  /** Milliseconds to go on asking what became of a swap. */
  readonly swapPatience: number;
  readonly publishObserver?: PublishObserver;
}

/** What was last seen of the pointer. `sequence` orders looks by when they began, not by when they were answered. */
interface Sighting {
  readonly sequence: number;
  /** Monotonic milliseconds when the look began. */
  readonly at: number;
  readonly pointer: { readonly version: string; readonly digest: Digest } | undefined;
}

/** One repository as this process sees it: its published state, its snapshot, and the way to change it. */
export class Repository {
  readonly id: RepositoryId;
  readonly publisher: Publisher;
  private readonly context: RepositoryContext;
  private sequence = 0;
  private sighting: Sighting | undefined;

  constructor(id: RepositoryId, context: RepositoryContext) {
    this.id = id;
    this.context = context;
    const { manifests, clock, dice, publishObserver: observer } = context;
    this.publisher = new Publisher({
      host: this.publisherHost(),
      manifests,
      clock,
      dice,
      ...(observer === undefined ? {} : { observer }),
    });
  }

  /**
   * Asks the store for the published state: one conditional request, strongly consistent.
   * @returns undefined when the repository does not exist
   * @throws CairnError `unavailable` when the store does not answer; `corrupt` when what it holds is damaged
   */
  async resolve(): Promise<ParentState | undefined> {
    return (await this.observe()).state;
  }

  /**
   * The published state as this process saw it at most `maxAge` milliseconds ago, asking the store only if it has to.
   */
  async resolveRecent(maxAge: number): Promise<ParentState | undefined> {
    const last = this.sighting;
    if (last === undefined || this.context.clock.monotonic() - last.at > maxAge) return this.resolve();
    return this.load(last);
  }

  /** The published state if this process saw it at most `maxAge` milliseconds ago; makes no request. */
  async peek(maxAge: number): Promise<ParentState | undefined> {
    const last = this.sighting;
    if (last === undefined || this.context.clock.monotonic() - last.at > maxAge) return undefined;
    return this.load(last);
  }

  /** A number that only looks at the store begun after this moment exceed; see `Change.since`. */
  mark(): number {
    return ++this.sequence;
  }

  /** Loads one manifest of this repository by digest, verified. */
  manifest(digest: Digest): Promise<Manifest> {
    return this.context.manifests.load(this.id, digest);
  }

  /** A read-only bare repository on local disk with exactly this state; release it when git is done. */
  snapshot(state: ParentState): Promise<SnapshotLease> {
    return this.context.snapshots.acquire(this.id, state);
  }

  toString(): string {
    return formatRepositoryId(this.id);
  }

  private async observe(): Promise<ObservedState> {
    const sequence = ++this.sequence;
    const at = this.context.clock.monotonic();
    const known = this.sighting?.pointer;
    const reading = await readPointer(this.context.control, this.id, known?.version);
    const pointer = reading.is === 'absent' ? undefined : reading.is === 'unchanged' ? known : reading;
    const sighting = { sequence, at, pointer };
    const state = await this.load(sighting);
    this.remember(sighting);
    return { sequence, state };
  }

  private async load(sighting: Sighting): Promise<ParentState | undefined> {
    if (sighting.pointer === undefined) return undefined;
    const { version, digest } = sighting.pointer;
    return { version, digest, manifest: await this.context.manifests.load(this.id, digest) };
  }

  /** Looks may be answered out of order; only one that began later replaces what is known. */
  private remember(sighting: Sighting): void {
    if (this.sighting === undefined || sighting.sequence > this.sighting.sequence) this.sighting = sighting;
  }

  private publisherHost(): PublisherHost {
    return {
      id: this.id,
      known: async () => {
        const last = this.sighting;
        if (last === undefined) return this.observe();
        return { sequence: last.sequence, state: await this.load(last) };
      },
      observe: () => this.observe(),
      swap: (parent, next, sent) => this.swap(parent, next, sent),
      learned: async (pointer) => {
        const sighting = { sequence: ++this.sequence, at: this.context.clock.monotonic(), pointer };
        const state = await this.load(sighting);
        this.remember(sighting);
        return { sequence: sighting.sequence, state };
      },
      doubt: () => {
        this.sighting = undefined;
      },
    };
  }

  private swap(parent: ParentState | undefined, next: Digest, sent: Set<Digest>): Promise<SwapResult> {
    const { control, clock, dice, manifests, swapPatience } = this.context;
    const load = (digest: Digest) => manifests.load(this.id, digest);
    return swapPointer(
      { store: control, clock, dice, load, patience: swapPatience },
      this.id,
      parent,
      next,
      sent,
    );
  }
}
