import { z } from 'zod';
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
  'fossil-max-message': size.pipe(
    z
      .number()
      .min(2 ** 20, 'expected 1MiB or more')
      .max(2 ** 30, 'expected 1GiB or less'),
  ),
  'fossil-max-artifact': size.pipe(
    z
      .number()
      .min(2 ** 16, 'expected 64KiB or more')
      .max(2 ** 30, 'expected 1GiB or less'),
  ),
  'fossil-max-artifacts': whole(1, 400_000),
  'fossil-max-expanded': size.pipe(
    z
      .number()
      .min(2 ** 20, 'expected 1MiB or more')
      .max(2 ** 40, 'expected 1TiB or less'),
  ),
  'fossil-max-unversioned': size.pipe(z.number().max(2 ** 40, 'expected 1TiB or less')),
  'fossil-reply-size': size.pipe(
    z
      .number()
      .min(1)
      .max(2 ** 30, 'expected 1GiB or less'),
  ),
  'fossil-reply-time': whole(1, 3_600).transform((value) => value * 1000),
} as const;
