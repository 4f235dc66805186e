import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { UnversionedFile } from '../../fossil/unversioned.ts';
import type { Bag } from './bag.ts';
import type { IntakeLimits } from './intake-limits.ts';
import type { BuiltPack } from './pack-builder.ts';

/** An artifact as a card brought it. */
export interface ReceivedArtifact {
  readonly name: ArtifactName;
  /** If the payload is a delta. */
  readonly source?: ArtifactName;
  readonly payload: Uint8Array;
  /** `stored`: as in a `cfile` card, four bytes of size and zlib. `plain`: as in a `file` card. */
  readonly form: 'plain' | 'stored';
  /** Bytes of the content, if the card says so. */
  readonly size?: number;
  readonly isPrivate: boolean;
}

/** A version of an unversioned file as a card brought it. */
export interface ReceivedUnversioned extends UnversionedFile {
  /** Left out if the sender thinks that it is here already. */
  readonly content?: Uint8Array;
}

/** Everything that one request, or one round of a client, brought. */
export interface Received {
  readonly artifacts: readonly ReceivedArtifact[];
  readonly unversioned?: readonly ReceivedUnversioned[];
}

/** A visible artifact that a pack brings. */
export interface BroughtArtifact {
  readonly name: ArtifactName;
  readonly isPrivate: boolean;
}

/** A delta that a pack brings, or takes away, without its source. */
export interface BroughtDelta {
  readonly name: ArtifactName;
  readonly source: ArtifactName;
  readonly isPrivate: boolean;
}

/** What was verified over one bag and is ready to be published. Nothing of it is stored yet. */
export interface PreparedArtifacts {
  readonly bag: Bag;
  readonly received: Received;
  readonly limits: IntakeLimits;
  /** Undefined if everything is here already. */
  readonly pack: BuiltPack | undefined;
  readonly artifacts: readonly BroughtArtifact[];
  readonly waiting: readonly BroughtDelta[];
  /** Waiting deltas that turned out to be wrong. They are dropped for good. */
  readonly wrong: readonly BroughtDelta[];
  readonly unversioned: readonly UnversionedFile[];
  /** Artifacts of the bag that records of the pack are deltas of. */
  readonly sources: ReadonlySet<ArtifactName>;
  /** Contents in the bag that unversioned files of the pack have. */
  readonly contents: ReadonlySet<ArtifactName>;
}
