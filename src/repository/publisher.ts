/**
 * Publishing: from changes to one swapped pointer.
 *
 * There is one publisher per repository and process. It serves every kind of repository. Changes that arrive while a
 * swap is in flight share the next one, and each is evaluated on the result of those before it. A change survives a lost
 * swap: it is evaluated again on the state that won, and swapped again. That evaluation may refuse parts of it. Objects
 * never travel twice: they are in the store before a change gets here.
 */
import type { Clock } from '../lib/clock.ts';
import type { Digest } from '../lib/digest.ts';
import { CairnError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { Change, Evaluation } from './change.ts';
import { type Committed, committed } from './committed.ts';
import { checkInvariants } from './invariants.ts';
import type { CauseOf, Manifest, PublishedState, StateOf } from './manifest.ts';
import type { EncodedManifest, ManifestStore } from './manifest-store.ts';
import type { RepositoryId } from './repository-id.ts';
import type { SwapResult } from './swap.ts';
import { SwapPace } from './swap-pace.ts';

/** What was published, and when the store was asked for it, by the repository's own counter. */
export interface ObservedState<M extends Manifest> {
  readonly sequence: number;
  readonly published: PublishedState<M> | undefined;
}

/** What a publisher needs from its repository. */
export interface PublisherHost<M extends Manifest> {
  readonly id: RepositoryId;
  /** The published state as last seen. Reads from the store if there is none. */
  known(): Promise<ObservedState<M>>;
  /** Reads the published state from the store. */
  observe(): Promise<ObservedState<M>>;
  swap(parent: PublishedState<M> | undefined, next: Digest, sent: Set<Digest>): Promise<SwapResult>;
  /** Called with the pointer that the last swap found. */
  learned(pointer: { readonly version: string; readonly digest: Digest }): Promise<ObservedState<M>>;
  /** Called when the state last seen may be wrong. */
  doubt(): void;
}

/** Called when publishes end. */
export interface PublishObserver {
  ended(outcome: 'published' | 'unchanged' | 'busy' | 'unknown' | 'failed', changes: number): void;
  rebased(): void;
}

export interface PublisherOptions<M extends Manifest> {
  readonly host: PublisherHost<M>;
  /** Tells the kind as well. */
  readonly manifests: ManifestStore<M>;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer?: PublishObserver;
  /** Called after each publish, after its changes have their results. Does not throw. */
  readonly onPublished?: OnPublished<M>;
}

/** Called with what has been published. @param digest of the manifest */
export type OnPublished<M extends Manifest> = (id: RepositoryId, manifest: M, digest: Digest) => void;

/** The outcome of a swap could not be found out: the publish may or may not have happened. */
export class UnknownOutcomeError extends CairnError {
  constructor(cause: unknown) {
    const message = 'the object store did not answer; this push may or may not have happened, fetch to see';
    super('unavailable', message, { cause, publicText: message });
  }
}

/** Several changes together make a state that is not valid, or too large. Each is tried alone, and gets an error of its own. */
class UnpublishableBatch extends Error {}

interface Member<M extends Manifest> {
  readonly change: Change<M, unknown>;
  resolve(value: { readonly result: unknown; readonly committed: Committed<M> }): void;
  reject(error: unknown): void;
}

/** A manifest written in advance, while the artifacts of its only change were being written. */
interface Draft<M extends Manifest> {
  readonly parent: Digest | undefined;
  readonly evaluation: Evaluation<M, unknown>;
  readonly encoded: EncodedManifest<M>;
}

/** Changes that share a swap at most. Where a store accepts one swap per second, this is the limit per second. */
const BATCH = 256;
const TRIES = 16;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

export class Publisher<M extends Manifest> {
  private readonly options: PublisherOptions<M>;
  private readonly pace: SwapPace;
  private readonly queue: Member<M>[] = [];
  private readonly drafts = new WeakMap<Change<M, unknown>, Draft<M>>();
  private running: Promise<void> | undefined;
  private preparing = false;
  /** Whether the last swap carried several changes. Then a manifest written in advance for one change is seldom of use. */
  private crowded = false;

  constructor(options: PublisherOptions<M>) {
    this.options = options;
    this.pace = new SwapPace(options.clock);
  }

  /** True while changes wait or a swap is in flight. */
  get busy(): boolean {
    return this.running !== undefined;
  }

  /**
   * Publishes a change, alone or with others, and returns once its outcome is known.
   * @returns what the change's last evaluation said, and the published state
   * @throws UnknownOutcomeError; CairnError `busy` after 16 lost swaps; whatever the evaluation throws
   */
  join<R>(change: Change<M, R>): Promise<{ readonly result: R; readonly committed: Committed<M> }> {
    return new Promise((resolve, reject) => {
      this.queue.push({ change, resolve: resolve as Member<M>['resolve'], reject });
      this.running ??= this.drain();
    });
  }

  /**
   * Writes the manifest of this change in advance, beside its artifacts instead of after them. This only saves time:
   * {@link join} uses the manifest if nothing else was published in between. Does nothing while other changes are
   * published, or if the last swap carried several.
   */
  async prepare(change: Change<M, unknown>): Promise<void> {
    if (this.busy || this.preparing || this.crowded) return;
    this.preparing = true;
    try {
      await this.draft(change);
    } finally {
      this.preparing = false;
    }
  }

  private async draft(change: Change<M, unknown>): Promise<void> {
    const base = await this.options.host.known();
    const evaluation = await this.evaluateOne(change, base.published?.manifest, base.published);
    if (evaluation.next === undefined || evaluation.cause === undefined) return;
    const { next, cause, receiptBefore } = evaluation;
    const composed = await this.compose({ next, causes: [cause], receiptBefore }, base.published);
    const encoded = await this.options.manifests.write(this.options.host.id, composed);
    this.drafts.set(change, { parent: base.published?.digest, evaluation, encoded });
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const { delay } = this.pace;
      // Changes that arrive during the pause join this batch.
      if (delay > 0) await this.options.clock.sleep(delay);
      await this.settle(this.takeBatch());
    }
    this.running = undefined;
  }

  /** Publishes a batch. If its changes cannot be published together, each is published alone. */
  private async settle(batch: Member<M>[]): Promise<void> {
    try {
      await this.publish(batch);
    } catch (error) {
      if (error instanceof UnpublishableBatch) {
        for (const member of batch) await this.settle([member]);
        return;
      }
      this.options.observer?.ended(error instanceof UnknownOutcomeError ? 'unknown' : 'failed', batch.length);
      for (const member of batch) member.reject(error);
    }
  }

  private takeBatch(): Member<M>[] {
    const alone = this.queue.findIndex((member) => member.change.alone === true);
    const size = alone === -1 ? BATCH : Math.min(BATCH, Math.max(1, alone));
    return this.queue.splice(0, size);
  }

  private async publish(batch: Member<M>[]): Promise<void> {
    const { host, manifests, observer } = this.options;
    const sent = new Set<Digest>();
    let base = await host.known();
    for (let tries = 0; tries < TRIES; ) {
      const draft = this.draftFor(batch, base);
      const round = draft ?? (await this.evaluate(batch, base));
      if (batch.length === 0) return;
      if (round.next === undefined) {
        // A swap proves that the state was current. Without one, an answer needs a state that was read after the change
        // arrived here: a refusal, and an `ok` for what is published already.
        const { sequence } = base;
        if (batch.some((member) => sequence < member.change.since)) {
          base = await host.observe();
          continue;
        }
        this.settleUnchanged(batch, round.results, base.published);
        return;
      }
      const { next, causes, receiptBefore } = round;
      const composition = { next, causes, receiptBefore };
      const encoded =
        round.encoded ??
        (await manifests.write(host.id, await this.composeBatch(batch, composition, base.published)));
      const { published } = base;
      const swapped = await this.pace.watch(() => host.swap(published, encoded.digest, sent));
      if (swapped.swap === 'unknown') {
        host.doubt();
        throw new UnknownOutcomeError(swapped.cause);
      }
      if (swapped.swap === 'won') {
        // The publish has happened, and is reported so whatever fails from here on.
        await host.learned(swapped.current).catch(() => host.doubt());
        const isLatest = swapped.current.digest === encoded.digest;
        const outcome = committed(encoded.manifest, encoded.digest, isLatest);
        this.crowded = batch.length > 1;
        observer?.ended('published', batch.length);
        for (const [at, member] of batch.entries())
          member.resolve({ result: round.results[at], committed: outcome });
        this.options.onPublished?.(host.id, encoded.manifest, encoded.digest);
        return;
      }
      observer?.rebased();
      base = await host.learned(swapped.current);
      tries++;
      // After the first loss the change is evaluated at once, since the state that won was just read. After a pause it is read again.
      if (tries > 1) {
        await this.pause(tries);
        base = await host.observe();
      }
    }
    observer?.ended('busy', batch.length);
    for (const member of batch) member.reject(new CairnError('busy', 'busy, try again'));
  }

  /** Evaluates every change on the result of those before it. A change whose evaluation throws leaves the batch. */
  private async evaluate(batch: Member<M>[], base: ObservedState<M>): Promise<Round<M>> {
    const { kind } = this.options.manifests;
    let current: StateOf<M> | undefined = base.published?.manifest;
    let changed = false;
    let receiptBefore: number | undefined;
    const causes: CauseOf<M>[] = [];
    const results: unknown[] = [];
    for (const member of [...batch]) {
      let evaluation: Evaluation<M, unknown>;
      try {
        evaluation = await this.evaluateOne(member.change, current, base.published);
      } catch (error) {
        batch.splice(batch.indexOf(member), 1);
        member.reject(error);
        continue;
      }
      results.push(evaluation.result);
      if (evaluation.next !== undefined && evaluation.cause !== undefined) {
        current = evaluation.next;
        changed = true;
        // A push after a signed state in the same publish is not part of that state, so the receipt need not be dated
        // before it. A change that no receipt states leaves the receipt a witness of the signed state alone.
        if (kind.isToldInReceipt(evaluation.cause) || evaluation.receiptBefore !== undefined) {
          receiptBefore = evaluation.receiptBefore;
        }
        causes.push(evaluation.cause);
      }
    }
    return { next: changed ? current : undefined, causes, receiptBefore, results, encoded: undefined };
  }

  /** Evaluates a change on a state. One that leaves the state as it is has nothing to publish. */
  private async evaluateOne(
    change: Change<M, unknown>,
    current: StateOf<M> | undefined,
    published: PublishedState<M> | undefined,
  ): Promise<Evaluation<M, unknown>> {
    const evaluation = await change.evaluate(current, published);
    const { next, result } = evaluation;
    const same = next !== undefined && current !== undefined;
    return same && this.options.manifests.kind.isSame(next, current) ? { result } : evaluation;
  }

  private draftFor(batch: readonly Member<M>[], base: ObservedState<M>): Round<M> | undefined {
    const only = batch.length === 1 ? batch[0] : undefined;
    const draft = only === undefined ? undefined : this.drafts.get(only.change);
    if (only === undefined || draft === undefined || draft.parent !== base.published?.digest)
      return undefined;
    return {
      next: draft.evaluation.next,
      causes: [],
      receiptBefore: undefined,
      results: [draft.evaluation.result],
      encoded: draft.encoded,
    };
  }

  private settleUnchanged(
    batch: readonly Member<M>[],
    results: readonly unknown[],
    state: PublishedState<M> | undefined,
  ): void {
    this.options.observer?.ended('unchanged', batch.length);
    const outcome = committed(state?.manifest, undefined);
    for (const [at, member] of batch.entries()) member.resolve({ result: results[at], committed: outcome });
  }

  /** @throws UnpublishableBatch when several changes together break a rule that one alone might not */
  private async composeBatch(
    batch: readonly Member<M>[],
    composition: Composition<M>,
    parent: PublishedState<M> | undefined,
  ): Promise<EncodedManifest<M>> {
    try {
      return await this.compose(composition, parent);
    } catch (error) {
      throw batch.length > 1 ? new UnpublishableBatch() : error;
    }
  }

  private async compose(
    composition: Composition<M>,
    parent: PublishedState<M> | undefined,
  ): Promise<EncodedManifest<M>> {
    const { next, causes, receiptBefore } = composition;
    const now = Math.floor(this.options.clock.now() / 1000);
    const receiptAt = receiptBefore === undefined ? now : Math.min(now, receiptBefore - 1);
    const { kind } = this.options.manifests;
    const manifest = kind.compose(next, {
      causes,
      receiptAt: Math.max(receiptAt, (parent?.manifest.receiptAt ?? -1) + 1),
      parent: parent?.digest ?? null,
      depth: parent === undefined ? 0 : parent.manifest.depth + 1,
    });
    checkInvariants(kind.invariants, manifest, parent);
    return this.options.manifests.encode(manifest);
  }

  private pause(tries: number): Promise<void> {
    const { clock, random } = this.options;
    return clock.sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * random.fraction());
  }
}

/** What a manifest is composed of. */
interface Composition<M extends Manifest> {
  readonly next: StateOf<M>;
  readonly causes: readonly CauseOf<M>[];
  readonly receiptBefore: number | undefined;
}

interface Round<M extends Manifest> {
  readonly next: StateOf<M> | undefined;
  readonly causes: readonly CauseOf<M>[];
  readonly receiptBefore: number | undefined;
  /** In the order of the batch. */
  readonly results: readonly unknown[];
  /** Present when the manifest was written in advance. */
  readonly encoded: EncodedManifest<M> | undefined;
}
