/** The record of orders that wait for their objects. It is in the bucket, because the push that brings them may reach another server. */
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
  /** Goes up with every write, so that no body ever repeats. */
  revision: z.int().min(0),
  orders: z.array(
    z.strictObject({
      /** The signed event, whole: it is what the push that carries it out is checked against. */
      event,
      /** Seconds: since when it waits. */
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
