import type { Cooperative } from './cooperative.ts';

/** Bytes that are hashed in one step: about a millisecond at most. What has no more can be hashed at once. */
export const HASHED_AT_ONCE = 1 << 18;

/** Gives bytes to a hash, with a pause after each step: a hash over 128 MiB takes up to a second. */
export function* hashInSteps(
  hash: { update(bytes: Uint8Array): unknown },
  bytes: Uint8Array,
): Cooperative<void> {
  for (let at = 0; at < bytes.length; at += HASHED_AT_ONCE) {
    hash.update(bytes.subarray(at, at + HASHED_AT_ONCE));
    yield;
  }
}
