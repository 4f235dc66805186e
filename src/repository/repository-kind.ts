/**
 * The definition of a kind of repository. Pointer, swap, batches, rebase, causes and the chain of manifests are the
 * same for all kinds; this is all that publishing needs from one kind. Decision 45 lists what a new kind brings.
 */
import type { ArtifactStore } from './artifact-store.ts';
import type { ArtifactKind } from './keys.ts';
import type { ArtifactRef, CauseOf, ChainLink, Manifest, PublishedState, StateOf } from './manifest.ts';
import type { ManifestFormat } from './manifest-format.ts';

/** A rule between a manifest and the one it replaces (undefined: the first). */
export type Invariant<M extends Manifest> = readonly [
  name: string,
  holds: (next: M, parent: PublishedState<M> | undefined) => boolean,
];

/** An artifact that a manifest names, and what it is. */
export interface NamedArtifact {
  readonly kind: ArtifactKind;
  readonly ref: ArtifactRef;
}

export interface RepositoryKind<M extends Manifest> {
  /** Its name: the member `kind` of its manifests. Those of git have no such member. */
  readonly name: string;
  /** Composes a manifest from a state and a place in the chain, and changes neither. */
  compose(state: StateOf<M>, link: ChainLink<CauseOf<M>>): M;
  /** Rules of this kind, beside the rules for all kinds. */
  readonly invariants: readonly Invariant<M>[];
  /**
   * Whether two states are the same, so that a publish would change nothing. Where the comparison is expensive it may
   * return false: then an equal state is published again, which does no harm.
   */
  isSame(next: StateOf<M>, current: StateOf<M>): boolean;
  /**
   * Whether the receipt of a publish states what this cause changed. False for causes that change only policies or
   * artifacts.
   */
  isToldInReceipt(cause: CauseOf<M>): boolean;
  /** The artifacts that a state names. While a manifest in the chain may be read, what it names is never collected. */
  artifacts(state: StateOf<M>): NamedArtifact[];
  /** The stored form of its manifests, over one store of artifacts. */
  format(artifacts: ArtifactStore): ManifestFormat<M>;
}
