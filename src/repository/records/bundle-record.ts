/** The record of the bundle that clients of a repository are told about. */
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { isDigest } from '../../lib/digest.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { bundleKey } from '../keys.ts';
import type { ArtifactRef } from '../manifest.ts';
import type { RepositoryPlace } from '../repository-id.ts';
import { readRecord, updateRecord } from './shared-record.ts';

const digest = z.string().refine(isDigest);

const format = z.strictObject({
  version: z.literal(1),
  revision: z.int().min(0),
  bundle: z.strictObject({ digest, size: z.int().min(0), n: z.int().min(1).optional() }),
  /** The incarnation at its creation: a bundle of an earlier incarnation is not valid. */
  incarnation: z.string(),
  /** Digest of the pack in it. */
  pack: digest,
});

/** A bundle, and what it was made of. */
export interface BundleRecord {
  readonly bundle: ArtifactRef;
  readonly incarnation: string;
  readonly pack: string;
}

/**
 * Reads the bundle of a repository.
 * @returns undefined when it has none
 * @throws CairnError `unavailable` when the store does not answer; `corrupt` when the record cannot be read
 */
export async function readBundleRecord(
  store: ObjectStore,
  place: RepositoryPlace,
): Promise<BundleRecord | undefined> {
  const reading = await readRecord({ store, key: bundleKey(place), format });
  return reading.is === 'found' ? recordOf(reading.record) : undefined;
}

/**
 * Replaces the bundle of a repository.
 * @throws CairnError `unavailable`, `busy`, `corrupt`
 */
export async function writeBundleRecord(
  context: { readonly control: ObjectStore; readonly clock: Clock; readonly random: Random },
  place: RepositoryPlace,
  record: BundleRecord,
): Promise<void> {
  const { control: store, clock, random } = context;
  const isThere = (current: z.infer<typeof format>) =>
    current.bundle.digest === record.bundle.digest &&
    current.bundle.n === record.bundle.n &&
    current.incarnation === record.incarnation;
  await updateRecord({ store, key: bundleKey(place), format, clock, random }, (current) =>
    current !== undefined && isThere(current) ? undefined : record,
  );
}

function recordOf({ bundle, incarnation, pack }: z.infer<typeof format>): BundleRecord {
  const { digest, size, n } = bundle;
  return { bundle: n === undefined ? { digest, size } : { digest, size, n }, incarnation, pack };
}
