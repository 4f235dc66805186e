/**
 * The record of the sessions that a key has ended: one for the sessions that began in one period. Upkeep deletes it when all of
 * them have expired. Its name never comes back, so it is deleted unconditionally.
 */
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { signOutKey } from '../keys.ts';
import type { RecordPlace } from './shared-record.ts';

/** Most single sessions in a record. A key that ends more ends all. */
export const MOST_ENDED = 64;

const format = z.strictObject({
  version: z.literal(1),
  /** Increases with each write, so that no body ever repeats. */
  revision: z.int().min(0),
  /**
   * Random, another one whenever the key ends all its sessions; empty before. A session carries the one of its beginning, and
   * stands while that is the current one. Clocks of servers need not agree for that.
   */
  epoch: z.string().regex(/^(?:[0-9a-f]{16})?$/),
  /** Ids of single sessions that have ended. */
  ended: z.array(z.string().regex(/^[0-9a-f]{32}$/)).max(MOST_ENDED),
});

export type SignOutRecord = z.infer<typeof format>;

export interface SignOutRecordContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** @param period in which the sessions began, counted from 1970 */
export function signOutRecord(
  context: SignOutRecordContext,
  period: number,
  publicKey: string,
): RecordPlace<SignOutRecord> {
  const { control: store, clock, random } = context;
  return { store, key: signOutKey(period, publicKey), format, clock, random };
}
