/**
 * The record of signed states that wait for their objects. It is in the bucket, because another server may receive
 * the push with the objects.
 */
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { heldKey } from '../keys.ts';
import type { RepositoryPlace } from '../repository-id.ts';
import type { RecordPlace } from './shared-record.ts';

const event = z.strictObject({
  id: z.string(),
  pubkey: z.string(),
  created_at: z.int().min(0),
  kind: z.int().min(0),
  tags: z.array(z.array(z.string())),
  content: z.string(),
  sig: z.string(),
});

const format = z.strictObject({
  version: z.literal(1),
  /** Increases with each write, so that no body ever repeats. */
  revision: z.int().min(0),
  orders: z.array(
    z.strictObject({
      /** The whole signed event, because the push that applies it is checked against it. */
      event,
      /** When it was held, in seconds. */
      heldAt: z.int().min(0),
    }),
  ),
});

export type HeldRecord = z.infer<typeof format>;
export type HeldEntry = HeldRecord['orders'][number];

export interface HeldRecordContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

export function heldRecord(context: HeldRecordContext, place: RepositoryPlace): RecordPlace<HeldRecord> {
  const { control: store, clock, random } = context;
  return { store, key: heldKey(place), format, clock, random };
}
