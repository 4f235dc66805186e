/** The record of the service that owns a bucket. */
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { isDigest } from '../../lib/digest.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { SERVICE_KEY } from '../keys.ts';
import { updateRecord } from './shared-record.ts';

const format = z.strictObject({
  version: z.literal(1),
  revision: z.int().min(0),
  /** 64 lower-case hex characters. */
  publicKey: z.string().refine(isDigest),
});

export interface ServiceRecordContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Records the owner of this bucket, unless that is already recorded.
 * @param publicKey of the service that asks, 64 lower-case hex characters
 * @returns the public key of the service that owns the bucket
 * @throws CairnError `unavailable` when the store does not answer; `corrupt` when the record cannot be read
 */
export async function claimBucket(context: ServiceRecordContext, publicKey: string): Promise<string> {
  const { control: store, clock, random } = context;
  const record = await updateRecord({ store, key: SERVICE_KEY, format, clock, random }, (current) =>
    current === undefined ? { publicKey } : undefined,
  );
  return record?.publicKey ?? publicKey;
}
