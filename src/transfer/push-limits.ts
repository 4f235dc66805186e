import type { ReceiveRequestOptions } from '../git/index.ts';

/** How much one push may be of what it consists of. */
export type PushLimits = ReceiveRequestOptions['limits'] & {
  readonly packBytes: number;
  /** Bytes that one object may have. */
  readonly objectBytes: number;
};

/** Bytes of everything before the pack: room for the most commands that can be allowed. */
const HEAD_BYTES = 64 * 1024 * 1024;

/** The limits an operator sets, and those that nobody needs to. */
export function pushLimits(set: Pick<PushLimits, 'commands' | 'packBytes' | 'objectBytes'>): PushLimits {
  return { ...set, bytes: HEAD_BYTES, shallow: 100_000, pushOptions: 1_000 };
}
