import type { ReceiveRequestOptions } from '../../git/index.ts';

/** How much one push may be of what it consists of. */
export type PushLimits = ReceiveRequestOptions['limits'] & {
  readonly packBytes: number;
  /** Bytes that one object may have. */
  readonly objectBytes: number;
  /** Bytes of an object that git may hold in memory, to refuse larger ones before it unpacks them. */
  readonly heldBytes: number;
};

/** More than this git never holds for one object. */
const MOST_HELD = 128 * 1024 * 1024;

/** Bytes of everything before the pack: room for the most commands that can be allowed. */
const HEAD_BYTES = 64 * 1024 * 1024;

interface SetLimits extends Pick<PushLimits, 'commands' | 'packBytes' | 'objectBytes'> {
  /** Bytes of memory that a process of git may take. */
  readonly gitMemory: number;
}

/** The limits an operator sets, and those that nobody needs to. A delta takes memory for both of its ends, on two threads. */
export function pushLimits({ gitMemory, ...set }: SetLimits): PushLimits {
  const heldBytes = Math.min(MOST_HELD, Math.floor(gitMemory / 6));
  return { ...set, heldBytes, bytes: HEAD_BYTES, shallow: 100_000, pushOptions: 1_000 };
}
