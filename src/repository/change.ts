import type { CauseOf, Manifest, PublishedState, StateOf } from './manifest.ts';

/**
 * What a change makes of a state.
 * @typeParam M manifest of the kind of the repository
 */
export interface Evaluation<M extends Manifest, R> {
  /** The state to publish; absent when this change has nothing to publish on it. */
  readonly next?: StateOf<M>;
  /** Why, for the manifest; present with `next`. */
  readonly cause?: CauseOf<M>;
  /**
   * Seconds: the date of the receipt shall be before it, if the one of the parent's leaves room. For a publish that carries
   * out an order, of which the receipt is a mere witness: it must never outrank what a maintainer signed.
   */
  readonly receiptBefore?: number;
  /** What the one who asked is told, should this evaluation stand. */
  readonly result: R;
}

/** A change of a repository, ready to be evaluated as often as it takes. Its artifacts are in the store. */
export interface Change<M extends Manifest, R> {
  /** Observations older than this are no ground for an answer without a swap (see `ObservedState.sequence`). */
  readonly since: number;
  /** Must go alone: it replaces what others in the batch may rely on. */
  readonly alone?: boolean;
  /**
   * Applies the change to a state (undefined: the repository does not exist). Writes nothing to the store.
   * @param current the published state, or what the changes before this one in the batch make of it
   * @param published the published state itself; its packs are among those of `current`
   */
  evaluate(
    current: StateOf<M> | undefined,
    published: PublishedState<M> | undefined,
  ): Promise<Evaluation<M, R>>;
}
