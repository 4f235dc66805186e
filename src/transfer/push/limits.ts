import type { ReceiveRequestOptions } from '../../git/index.ts';
import type { PackLimits } from '../../repository/intake/pack-bounds.ts';

/** How much one push may be of what it consists of. */
export type PushLimits = ReceiveRequestOptions['limits'] & PackLimits;

/** The part of its memory that git may hold for one object. The rest is for tables, and for the pack that it came in. */
const HELD_PART = 2 / 5;

/**
 * The part that git may hold of commits, tags, and trees within each other. To read the last of these it holds three times that: what
 * this is kept as a difference from, and the difference, may be as large. The rest is for tables.
 */
const LINKING_PART = 1 / 5;

/** Bytes of everything before the pack: room for the most commands that can be allowed. */
const HEAD_BYTES = 64 * 1024 * 1024;

interface SetLimits extends Pick<PushLimits, 'commands' | 'packBytes' | 'objectBytes'> {
  /** Bytes of memory that a process of git may take. */
  readonly gitMemory: number;
}

/** The limits an operator sets, and those that nobody needs to. */
export function pushLimits({ gitMemory, ...set }: SetLimits): PushLimits {
  const heldBytes = Math.floor(gitMemory * HELD_PART);
  const linkingBytes = Math.floor(gitMemory * LINKING_PART);
  return { ...set, heldBytes, linkingBytes, bytes: HEAD_BYTES, shallow: 100_000, pushOptions: 1_000 };
}
