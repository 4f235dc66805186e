import { z } from 'zod';
import { onOff, whole } from './values.ts';

/** Mirrors that this server keeps. */
export interface MirrorSettings {
  readonly on: boolean;
  /** Addresses, ranges and host names that are reached although they are not public. */
  readonly allowed: readonly string[];
  /** Shortest interval, in seconds. */
  readonly shortest: number;
  readonly concurrency: number;
}

/** How its options are read. */
export const MIRROR_SCHEMAS = {
  mirrors: onOff,
  'mirror-allow': z.string().transform((text) => text.split(',').flatMap((entry) => entry.trim() || [])),
  'mirror-interval': whole(1, 86_400),
  'mirror-concurrency': whole(1, 64),
} as const;
