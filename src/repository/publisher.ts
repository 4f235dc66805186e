/**
 * Publishing: from changes to one swapped pointer.
 *
 * There is one publisher per repository and process. Changes that arrive while a swap is in flight go together with
 * the next one, each evaluated against the result of those before it. A lost swap is not the end of a change:
 * it is evaluated again on what won, which may refuse some of its refs, and swapped again. Objects never travel
 * twice: they are in the store before a change gets here.
 */
import type { Clock } from '../lib/clock.ts';
import type { Digest } from '../lib/digest.ts';
import { CairnError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { type Committed, committed } from './committed.ts';
import type { GitCause, GitManifest, GitState, PublishedGitState } from './git/git-manifest.ts';
import { checkInvariants } from './invariants.ts';
import type { EncodedManifest, ManifestStore } from './manifest-store.ts';
import type { RepositoryId } from './repository-id.ts';
import type { SwapResult } from './swap.ts';
import { SwapPace } from './swap-pace.ts';

/** What a change makes of a state. */
export interface Evaluation<R> {
  /** The state to publish; absent when this change has nothing to publish on it. */
  readonly next?: GitState;
  /** Why, for the manifest; present with `next`. */
  readonly cause?: GitCause;
  /**
   * Seconds: the date of the receipt shall be before it, if the one of the parent's leaves room. For a publish that carries
   * out an order, of which the receipt is a mere witness: it must never outrank what a maintainer signed.
   */
  readonly receiptBefore?: number;
  /** What the one who asked is told, should this evaluation stand. */
  readonly result: R;
}

/** A change of a repository, ready to be evaluated as often as it takes. Its artifacts are in the store. */
export interface Change<R> {
  /** Observations older than this are no ground for an answer without a swap (see {@link ObservedState.sequence}). */
  readonly since: number;
  /** Must go alone: it replaces what others in the batch may rely on. */
  readonly alone?: boolean;
  /**
   * Applies the change to a state (undefined: the repository does not exist). Writes nothing to the store.
   * @param current the published state, or what the changes before this one in the batch make of it
   * @param published the published state itself; its packs are among those of `current`
   */
  evaluate(current: GitState | undefined, published: PublishedGitState | undefined): Promise<Evaluation<R>>;
}

/** A state and when it was asked for, by the repository's own counter. */
export interface ObservedState {
  readonly sequence: number;
  readonly published: PublishedGitState | undefined;
}

/** What a publisher needs of its repository. */
export interface PublisherHost {
  readonly id: RepositoryId;
  /** The last known state, or a fresh look when nothing is known. */
  known(): Promise<ObservedState>;
  /** A fresh look. */
  observe(): Promise<ObservedState>;
  swap(parent: PublishedGitState | undefined, next: Digest, sent: Set<Digest>): Promise<SwapResult>;
  /** Told what the pointer is now, as the last swap found it. */
  learned(pointer: { readonly version: string; readonly digest: Digest }): Promise<ObservedState>;
  /** Told that what was known may be wrong. */
  doubt(): void;
}

/** Hears how publishes end. */
export interface PublishObserver {
  ended(outcome: 'published' | 'unchanged' | 'busy' | 'unknown' | 'failed', changes: number): void;
  rebased(): void;
}

export interface PublisherOptions {
  readonly host: PublisherHost;
  readonly manifests: ManifestStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer?: PublishObserver;
  /** Called after each publish, once those who asked for it have been told. Does not throw. */
  readonly onPublished?: OnPublished;
}

/** Hears of what has been published. @param digest of the manifest */
export type OnPublished = (id: RepositoryId, manifest: GitManifest, digest: Digest) => void;

/** The answer was lost and could not be learnt: the publish may or may not have happened. */
export class UnknownOutcomeError extends CairnError {
  constructor(cause: unknown) {
    const message = 'the object store did not answer; this push may or may not have happened, fetch to see';
    super('unavailable', message, { cause, publicText: message });
  }
}

/** Several changes make a state that is not valid, or too large: each is to be told about itself alone. */
class UnpublishableBatch extends Error {}

interface Member {
  readonly change: Change<unknown>;
  resolve(value: { readonly result: unknown; readonly committed: Committed }): void;
  reject(error: unknown): void;
}

/** A manifest composed ahead, while the artifacts of its only change were being written. */
interface Draft {
  readonly parent: Digest | undefined;
  readonly evaluation: Evaluation<unknown>;
  readonly encoded: EncodedManifest;
}

/** Changes that share a swap: where a pointer may be swapped once a second, so many a second. */
const BATCH = 256;
const TRIES = 16;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

export class Publisher {
  private readonly options: PublisherOptions;
  private readonly pace: SwapPace;
  private readonly queue: Member[] = [];
  private readonly drafts = new WeakMap<Change<unknown>, Draft>();
  private running: Promise<void> | undefined;
  private preparing = false;
  /** Whether the last swap carried several changes: where many push, hardly any swap is just what one of them composed ahead. */
  private crowded = false;

  constructor(options: PublisherOptions) {
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
  join<R>(change: Change<R>): Promise<{ readonly result: R; readonly committed: Committed }> {
    return new Promise((resolve, reject) => {
      this.queue.push({ change, resolve: resolve as Member['resolve'], reject });
      this.running ??= this.drain();
    });
  }

  /**
   * Composes and writes the manifest this change would lead to if nothing comes between, so that it travels beside
   * the artifacts instead of after them. Only a saving of time: {@link join} uses it if it still fits. When others are
   * publishing, or were a moment ago, nothing is done.
   */
  async prepare(change: Change<unknown>): Promise<void> {
    if (this.busy || this.preparing || this.crowded) return;
    this.preparing = true;
    try {
      await this.draft(change);
    } finally {
      this.preparing = false;
    }
  }

  private async draft(change: Change<unknown>): Promise<void> {
    const base = await this.options.host.known();
    const evaluation = await change.evaluate(base.published?.manifest, base.published);
    if (evaluation.next === undefined || evaluation.cause === undefined) return;
    const { next, cause, receiptBefore } = evaluation;
    const composed = await this.compose({ next, causes: [cause], receiptBefore }, base.published);
    const encoded = await this.options.manifests.write(this.options.host.id, composed);
    this.drafts.set(change, { parent: base.published?.digest, evaluation, encoded });
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const { delay } = this.pace;
      // Whoever comes meanwhile comes along.
      if (delay > 0) await this.options.clock.sleep(delay);
      await this.settle(this.takeBatch());
    }
    this.running = undefined;
  }

  /** Publishes a batch and tells its members. What they make together and cannot be published is tried one by one. */
  private async settle(batch: Member[]): Promise<void> {
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

  private takeBatch(): Member[] {
    const alone = this.queue.findIndex((member) => member.change.alone === true);
    const size = alone === -1 ? BATCH : Math.min(BATCH, Math.max(1, alone));
    return this.queue.splice(0, size);
  }

  private async publish(batch: Member[]): Promise<void> {
    const { host, manifests, observer } = this.options;
    const sent = new Set<Digest>();
    let base = await host.known();
    for (let tries = 0; tries < TRIES; ) {
      const draft = this.draftFor(batch, base);
      const round = draft ?? (await this.evaluate(batch, base));
      if (batch.length === 0) return;
      if (round.next === undefined) {
        // A swap proves that the state was current. Without one, a refusal, and an `ok` for what is so already, stand
        // only on a state observed after the change arrived here.
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
        // Whatever fails from here on, the publish has happened and is reported as such.
        await host.learned(swapped.current).catch(() => host.doubt());
        const outcome = committed(encoded.manifest, encoded.digest);
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
      // The first loss is met at once: what won has just been seen. After a pause it would be old, so it is looked at again.
      if (tries > 1) {
        await this.pause(tries);
        base = await host.observe();
      }
    }
    observer?.ended('busy', batch.length);
    for (const member of batch) member.reject(new CairnError('busy', 'busy, try again'));
  }

  /** Evaluates every change on the result of those before it. One whose evaluation fails leaves alone. */
  private async evaluate(batch: Member[], base: ObservedState): Promise<Round> {
    let state: GitState | undefined = base.published?.manifest;
    let changed = false;
    let receiptBefore: number | undefined;
    const causes: GitCause[] = [];
    const results: unknown[] = [];
    for (const member of [...batch]) {
      let evaluation: Evaluation<unknown>;
      try {
        evaluation = await member.change.evaluate(state, base.published);
      } catch (error) {
        batch.splice(batch.indexOf(member), 1);
        member.reject(error);
        continue;
      }
      results.push(evaluation.result);
      if (evaluation.next !== undefined && evaluation.cause !== undefined) {
        state = evaluation.next;
        changed = true;
        // A push that comes after an order in one publish is not part of it, and its receipt need not stand back. What
        // changes no refs leaves the receipt a witness of the order alone.
        if (evaluation.cause.refs.length > 0 || evaluation.receiptBefore !== undefined) {
          receiptBefore = evaluation.receiptBefore;
        }
        causes.push(evaluation.cause);
      }
    }
    return { next: changed ? state : undefined, causes, receiptBefore, results, encoded: undefined };
  }

  private draftFor(batch: readonly Member[], base: ObservedState): Round | undefined {
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
    batch: readonly Member[],
    results: readonly unknown[],
    state: PublishedGitState | undefined,
  ): void {
    this.options.observer?.ended('unchanged', batch.length);
    const outcome = committed(state?.manifest, undefined);
    for (const [at, member] of batch.entries()) member.resolve({ result: results[at], committed: outcome });
  }

  /** @throws UnpublishableBatch when several changes together break a rule that one alone might not */
  private async composeBatch(
    batch: readonly Member[],
    composition: Composition,
    parent: PublishedGitState | undefined,
  ): Promise<EncodedManifest> {
    try {
      return await this.compose(composition, parent);
    } catch (error) {
      throw batch.length > 1 ? new UnpublishableBatch() : error;
    }
  }

  private async compose(
    composition: Composition,
    parent: PublishedGitState | undefined,
  ): Promise<EncodedManifest> {
    const { next, causes, receiptBefore } = composition;
    const now = Math.floor(this.options.clock.now() / 1000);
    const receiptAt = receiptBefore === undefined ? now : Math.min(now, receiptBefore - 1);
    const manifest: GitManifest = {
      version: 1,
      ...next,
      causes,
      receiptAt: Math.max(receiptAt, (parent?.manifest.receiptAt ?? -1) + 1),
      parent: parent?.digest ?? null,
      depth: parent === undefined ? 0 : parent.manifest.depth + 1,
    };
    checkInvariants(manifest, parent);
    return this.options.manifests.encode(manifest);
  }

  private pause(tries: number): Promise<void> {
    const { clock, random } = this.options;
    return clock.sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * random.fraction());
  }
}

/** What a manifest is made of. */
interface Composition {
  readonly next: GitState;
  readonly causes: readonly GitCause[];
  readonly receiptBefore: number | undefined;
}

interface Round {
  readonly next: GitState | undefined;
  readonly causes: readonly GitCause[];
  readonly receiptBefore: number | undefined;
  /** In the order of the batch. */
  readonly results: readonly unknown[];
  /** Present when the manifest was composed, and written, ahead. */
  readonly encoded: EncodedManifest | undefined;
}
