/**
 * What makes a kind of repository. Pointer, swap, batches, rebase, causes and the chain of manifests are the same for all kinds;
 * this is all that publishing has to know of one. Decision 45 lists what a new kind brings.
 */
import type { ArtifactStore } from './artifact-store.ts';
import type { ArtifactKind } from './keys.ts';
import type { ArtifactRef, CauseOf, ChainLink, Manifest, PublishedState, StateOf } from './manifest.ts';
import type { ManifestFormat } from './manifest-format.ts';

/** What must hold between a manifest and the one it replaces (undefined: the first). */
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
  /** What it is called, for people. */
  readonly name: string;
  /** Makes a manifest of a state. Changes nothing of what either says. */
  compose(state: StateOf<M>, link: ChainLink<CauseOf<M>>): M;
  /** What must hold beside what must hold for all kinds. */
  readonly invariants: readonly Invariant<M>[];
  /**
   * True when two states are the same, so that publishing the one over the other would change nothing. Where that would be costly
   * to find out it may say false: then an equal state is published again, which does no harm.
   */
  isSame(next: StateOf<M>, current: StateOf<M>): boolean;
  /** True when the receipt of a publish tells what this cause has changed; false for what changes policies or only artifacts. */
  isToldInReceipt(cause: CauseOf<M>): boolean;
  /** Every artifact that a state names. What a manifest in the chain names is never collected while that manifest may be read. */
  artifacts(state: StateOf<M>): NamedArtifact[];
  /** How its manifests are stored, over one store of artifacts. */
  format(artifacts: ArtifactStore): ManifestFormat<M>;
}
