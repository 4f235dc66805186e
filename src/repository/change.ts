import type { CauseOf, Manifest, PublishedState, StateOf } from './manifest.ts';

/**
 * What a change makes of a state.
 * @typeParam M manifest of the kind of the repository
 */
export interface Evaluation<M extends Manifest, R> {
  /** The state to publish; absent when the change has nothing to publish. */
  readonly next?: StateOf<M>;
  /** The entry in the manifest's causes; present with `next`. */
  readonly cause?: CauseOf<M>;
  /**
   * Seconds: the receipt is dated before this, unless the parent's receipt is too late for that. For a publish that
   * carries out a signed state: the receipt is only a witness of it, and must never outrank what a maintainer signed.
   */
  readonly receiptBefore?: number;
  /** What `Publisher.join` returns if this evaluation is the one that is published. */
  readonly result: R;
}

/** A change of a repository. It can be evaluated any number of times. Its artifacts are in the store. */
export interface Change<M extends Manifest, R> {
  /** An answer without a swap needs a state observed after this (see `ObservedState.sequence`). */
  readonly since: number;
  /** True when it shares a swap with no other change: it replaces what others may rely on. */
  readonly alone?: boolean;
  /**
   * Applies the change to a state (undefined: the repository does not exist). Writes nothing to the store.
   * @param current the published state, or what the changes before this one in the batch make of it
   * @param published the published state itself
   */
  evaluate(
    current: StateOf<M> | undefined,
    published: PublishedState<M> | undefined,
  ): Promise<Evaluation<M, R>>;
}
