import type { ReceiveRequestOptions } from '../../git/index.ts';
import type { PackLimits } from '../../repository/intake/bounds/pack-bounds.ts';

/** The limits of one push. */
export type PushLimits = ReceiveRequestOptions['limits'] & PackLimits;

/** The part of git's memory that one object may use. The rest is for tables and for the pack. */
const HELD_PART = 2 / 5;

/**
 * The part that git may hold of commits, tags, and trees within each other. To read the last of these it holds three times that: what
 * this is kept as a difference from, and the difference, may be as large. The rest is for tables.
 */
const LINKING_PART = 1 / 5;

/** Maximum bytes before the pack: enough for the highest number of commands that can be configured. */
const HEAD_BYTES = 64 * 1024 * 1024;

interface SetLimits extends Pick<PushLimits, 'commands' | 'packBytes' | 'objectBytes'> {
  /** Bytes that all objects of a pack may have together: see {@link PackLimits}. */
  readonly unpackedBytes?: number;
  /** Memory limit of a git process in bytes. */
  readonly gitMemory: number;
}

/** Adds the fixed limits to those that the operator sets. */
export function pushLimits({ gitMemory, ...set }: SetLimits): PushLimits {
  const heldBytes = Math.floor(gitMemory * HELD_PART);
  const linkingBytes = Math.floor(gitMemory * LINKING_PART);
  return { ...set, heldBytes, linkingBytes, bytes: HEAD_BYTES, shallow: 100_000, pushOptions: 1_000 };
}
