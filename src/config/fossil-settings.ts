import { size, whole } from './values.ts';

/** Limits of what Fossil clients are served. */
export interface FossilSettings {
  /** Bytes of a request, uncompressed. */
  readonly maxMessage: number;
  /** Bytes of an artifact, or of an unversioned file. */
  readonly maxArtifact: number;
  /** Artifacts of a request. */
  readonly maxArtifacts: number;
  /** Bytes of all artifacts of a request, after deltas are applied. */
  readonly maxExpanded: number;
  /** Bytes of the unversioned files of a repository. */
  readonly maxUnversioned: number;
  /** Bytes of artifacts in a reply. */
  readonly replyBytes: number;
  /** Milliseconds for which a reply collects artifacts. */
  readonly replyMilliseconds: number;
}

/** How its options are read. */
export const FOSSIL_SCHEMAS = {
  'fossil-max-message': size(2 ** 20, 2 ** 30),
  'fossil-max-artifact': size(2 ** 16, 2 ** 30),
  'fossil-max-artifacts': whole(1, 400_000),
  'fossil-max-expanded': size(2 ** 20, 2 ** 40),
  'fossil-max-unversioned': size(0, 2 ** 40),
  'fossil-reply-size': size(1, 2 ** 30),
  'fossil-reply-time': whole(1, 3_600).transform((value) => value * 1000),
} as const;
