import type { Clock } from '../lib/clock.ts';
import type { Digest } from '../lib/digest.ts';
import type { Random } from '../lib/random.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { Manifest, PublishedState } from './manifest.ts';
import type { ManifestStore, PartsLoaded } from './manifest-store.ts';
import { OtherKindError } from './other-kind.ts';
import { readPointer } from './pointer.ts';
import {
  type ObservedState,
  type OnPublished,
  Publisher,
  type PublisherHost,
  type PublishObserver,
} from './publisher.ts';
import type { RepositoryId } from './repository-id.ts';
import { formatRepositoryId } from './repository-id.ts';
import type { RepositoryKind } from './repository-kind.ts';
import { type SwapResult, swapPointer } from './swap.ts';

/** How old an observation of a public repository, or of the event log, may be for an answer, in milliseconds. */
export const recencyMs = 2_000;
/**
 * After this many milliseconds no server answers from an observation before a change, so a request to hide something
 * is confirmed no earlier. The margin covers clocks of different speed and servers that are delayed.
 */
export const settledMs = recencyMs + 500;

/** @typeParam M manifest of the kind of the repositories */
export interface RepositoryContext<M extends Manifest> {
  readonly control: ObjectStore;
  readonly manifests: ManifestStore<M>;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds to look for the outcome of a swap. */
  readonly swapPatience: number;
  readonly publishObserver?: PublishObserver;
  /** Called for each publish of this process. */
  readonly onPublished?: OnPublished<M>;
}

/** When a read of the pointer began: it shows everything published before. */
interface Look {
  /** By the repository's own counter. */
  readonly sequence: number;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** What is known about the pointer, and how fresh it is. */
interface Sighting extends Look {
  readonly pointer: { readonly version: string; readonly digest: Digest } | undefined;
  /** Depth of the manifest; -1 without a pointer. */
  readonly depth: number;
  /** The counter when this pointer became known. */
  readonly learnt: number;
}

/**
 * One repository as this process sees it: its published state, and the way to change it.
 * @typeParam M manifest of its kind
 */
export class Repository<M extends Manifest> {
  readonly id: RepositoryId;
  readonly publisher: Publisher<M>;
  private readonly context: RepositoryContext<M>;
  private sequence = 0;
  private sighting: Sighting | undefined;
  /** Whether a look found what was known here, and no look or swap since met a publish of another process. */
  private undisturbed = false;
  private other: string | undefined;

  constructor(id: RepositoryId, context: RepositoryContext<M>) {
    this.id = id;
    this.context = context;
    const { manifests, clock, random, publishObserver: observer, onPublished } = context;
    this.publisher = new Publisher({
      host: this.publisherHost(),
      manifests,
      clock,
      random,
      ...(observer === undefined ? {} : { observer }),
      ...(onPublished === undefined ? {} : { onPublished }),
    });
  }

  /**
   * Reads the published state from the store: one conditional request, strongly consistent.
   * @param parts whether the parts beside the manifest are loaded at once, or on demand
   * @returns undefined when there is no repository of this kind. {@link resolveOwnKind} tells if there is another
   * @throws CairnError `unavailable` when the store does not answer; `corrupt` when its data is damaged
   */
  async resolve(parts: PartsLoaded = 'all'): Promise<PublishedState<M> | undefined> {
    return unlessOther(this.resolveOwnKind(parts));
  }

  /** The same as {@link resolve}. @throws OtherKindError when there is a repository of another kind */
  async resolveOwnKind(parts: PartsLoaded = 'all'): Promise<PublishedState<M> | undefined> {
    return (await this.observe(parts)).published;
  }

  /** The kind of the repository that the last look at the store found, if it is another one than this. Sends no request. */
  get otherKind(): string | undefined {
    return this.other;
  }

  /** The published state as this process last saw it, at any age. Reads from the store only if there is none. */
  async known(): Promise<PublishedState<M> | undefined> {
    return this.sighting === undefined ? this.resolve() : unlessOther(this.load(this.sighting.pointer));
  }

  /** The published state if this process saw it at most `maxAge` milliseconds ago. Sends no request for the pointer. */
  async peek(maxAge: number, parts: PartsLoaded = 'all'): Promise<PublishedState<M> | undefined> {
    const last = this.sighting;
    if (last === undefined || this.context.clock.monotonic() - last.at > maxAge) return undefined;
    return unlessOther(this.load(last.pointer, parts));
  }

  /**
   * The published state as this process knows it, if that is at most `maxAge` milliseconds old and others seem to publish nothing:
   * a look found no change, and no request since has met one. It may be out of date all the same. A publish whose swap wins over it proves that it was
   * not; any other answer needs a look. Sends no request for the pointer.
   */
  async recall(maxAge: number): Promise<PublishedState<M> | undefined> {
    return this.undisturbed ? this.peek(maxAge) : undefined;
  }

  /** A number that only reads of the pointer begun later exceed; see `Change.since`. */
  mark(): number {
    return ++this.sequence;
  }

  /** Loads one manifest of this repository by digest, and verifies it. */
  manifest(digest: Digest): Promise<M> {
    return this.context.manifests.load(this.id, digest);
  }

  /** What publishing knows of its kind. */
  get kind(): RepositoryKind<M> {
    return this.context.manifests.kind;
  }

  toString(): string {
    return formatRepositoryId(this.id);
  }

  private async observe(parts: PartsLoaded = 'all'): Promise<ObservedState<M>> {
    const look = this.look();
    const known = this.sighting?.pointer;
    const reading = await readPointer(this.context.control, this.id, known?.version);
    const pointer = reading.is === 'absent' ? undefined : reading.is === 'unchanged' ? known : reading;
    this.undisturbed = reading.is === 'unchanged';
    return this.learn(look, pointer, parts);
  }

  private look(): Look {
    return { sequence: ++this.sequence, at: this.context.clock.monotonic() };
  }

  private async learn(
    look: Look,
    pointer: Sighting['pointer'],
    parts: PartsLoaded = 'all',
  ): Promise<ObservedState<M>> {
    const published = await this.load(pointer, parts).catch((error: unknown) => {
      if (error instanceof OtherKindError) this.other = error.found;
      throw error;
    });
    this.other = undefined;
    this.remember({ ...look, pointer, depth: published?.manifest.depth ?? -1, learnt: ++this.sequence });
    return { sequence: look.sequence, published };
  }

  private async load(
    pointer: Sighting['pointer'],
    parts: PartsLoaded = 'all',
  ): Promise<PublishedState<M> | undefined> {
    if (pointer === undefined) return undefined;
    const { version, digest } = pointer;
    return { version, digest, manifest: await this.context.manifests.load(this.id, digest, parts) };
  }

  /**
   * A read that began after something became known is newer, whatever it shows. Overlapping reads may be answered in
   * any order; of these the deeper state is newer, because depth only grows.
   */
  private remember(sighting: Sighting): void {
    const last = this.sighting;
    if (last === undefined || sighting.sequence > last.learnt) {
      this.sighting = sighting;
      return;
    }
    const newer = sighting.depth > last.depth ? sighting : last;
    const freshest = sighting.sequence > last.sequence ? sighting : last;
    this.sighting = { ...newer, sequence: freshest.sequence, at: freshest.at };
  }

  private publisherHost(): PublisherHost<M> {
    let swapped = this.look();
    return {
      id: this.id,
      known: async () => {
        const last = this.sighting;
        if (last === undefined) return this.observe();
        return { sequence: last.sequence, published: await this.load(last.pointer) };
      },
      observe: () => this.observe(),
      swap: (parent, next, sent) => {
        swapped = this.look();
        return this.swap(parent, next, sent);
      },
      // Known as of the moment the swap was sent: later reads may be newer.
      learned: ({ version, digest }) => this.learn(swapped, { version, digest }),
      doubt: () => {
        this.sighting = undefined;
      },
    };
  }

  private async swap(
    parent: PublishedState<M> | undefined,
    next: Digest,
    sent: Set<Digest>,
  ): Promise<SwapResult> {
    const { control, clock, random, manifests, swapPatience } = this.context;
    // A swap needs only the chain of manifests.
    const load = (digest: Digest) => manifests.load(this.id, digest, 'on-demand');
    const swapped = await swapPointer(
      { store: control, clock, random, load, patience: swapPatience },
      this.id,
      parent,
      next,
      sent,
    );
    if (swapped.swap !== 'won') this.undisturbed = false;
    return swapped;
  }
}

/** Reads the state of a repository; of one of another kind nothing is told. */
async function unlessOther<S>(state: Promise<S | undefined>): Promise<S | undefined> {
  try {
    return await state;
  } catch (error) {
    if (error instanceof OtherKindError) return undefined;
    throw error;
  }
}
