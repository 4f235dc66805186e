import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { UnversionedFile } from '../../fossil/unversioned.ts';
import type { Bytes } from '../../lib/file-bytes.ts';
import type { Bag } from './bag.ts';
import type { IntakeLimits } from './intake-limits.ts';
import type { BuiltPack } from './pack-builder.ts';

/** An artifact as a card brought it. @typeParam Payload in memory, or in the file that the message is in */
export interface ReceivedArtifact<Payload extends Bytes = Uint8Array> {
  readonly name: ArtifactName;
  /** If the payload is a delta. */
  readonly source?: ArtifactName;
  readonly payload: Payload;
  /** `stored`: as in a `cfile` card, four bytes of size and zlib. `plain`: as in a `file` card. */
  readonly form: 'plain' | 'stored';
  /** Bytes of the content, if the card says so. */
  readonly size?: number;
  readonly isPrivate: boolean;
}

/** A version of an unversioned file as a card brought it. */
export interface ReceivedUnversioned<Payload extends Bytes = Uint8Array> extends UnversionedFile {
  /** Left out if the sender thinks that it is here already. */
  readonly content?: Payload;
}

/** Everything that one request, or one round of a client, brought. */
export interface Received<Payload extends Bytes = Uint8Array> {
  readonly artifacts: readonly ReceivedArtifact<Payload>[];
  readonly unversioned?: readonly ReceivedUnversioned<Payload>[];
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

/** What was verified over one bag and is ready to be published. Nothing of it is stored yet. A large pack is in a file until it is disposed of. */
export interface PreparedArtifacts extends AsyncDisposable {
  readonly bag: Bag;
  readonly received: Received<Bytes>;
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
