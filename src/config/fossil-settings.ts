import { z } from 'zod';
import { size, whole } from './values.ts';

/** Limits of what Fossil clients are served. */
export interface FossilSettings {
  /** Bytes of a request, uncompressed. */
  readonly maxMessage: number;
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
  'fossil-reply-size': size.pipe(
    z
      .number()
      .min(1)
      .max(2 ** 30, 'expected 1GiB or less'),
  ),
  'fossil-reply-time': whole(1, 3_600).transform((value) => value * 1000),
} as const;
