/**
 * The lease of the server that is folding a repository, so that servers do not do the same work at once. It only
 * saves work and protects nothing: a server that folds without a lease, or longer than its lease, loses the swap or
 * finds its packs gone.
 */
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { foldLeaseKey } from '../keys.ts';
import type { RepositoryPlace } from '../repository-id.ts';
import { type RecordPlace, updateRecord } from './shared-record.ts';

const format = z.strictObject({
  version: z.literal(1),
  /** Increases with each write, so that no body ever repeats. */
  revision: z.int().min(0),
  /** The random name that a process has chosen. */
  holder: z.string(),
  /** In seconds. A holder that has not renewed it by then is gone. */
  until: z.int().min(0),
});

export type FoldLeaseRecord = z.infer<typeof format>;

export interface FoldLeaseContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** Seconds after which the lease of a dead server ends. */
export const LEASE_SECONDS = 120;
const RENEWED_EVERY_MS = (LEASE_SECONDS * 1000) / 3;

/** A lease, renewed until it is released. */
export interface FoldLease {
  release(): Promise<void>;
}

/**
 * Takes the lease of a repository, and renews it until it is released.
 * @param holder the same name for the whole life of a process, which may take its own lease again
 * @param onTrouble called when it cannot be renewed or released; the lease then ends by itself
 * @returns undefined when another process holds it
 * @throws CairnError `unavailable` when the store does not answer, `busy`
 */
export async function takeFoldLease(
  context: FoldLeaseContext,
  place: RepositoryPlace,
  holder: string,
  onTrouble: (error: unknown) => void,
): Promise<FoldLease | undefined> {
  const { control: store, clock, random } = context;
  const record: RecordPlace<FoldLeaseRecord> = { store, key: foldLeaseKey(place), format, clock, random };
  const now = () => Math.floor(clock.now() / 1000);
  // A clock that is ahead must not block others for long.
  const isOthers = (lease: FoldLeaseRecord) =>
    lease.holder !== holder && lease.until > now() && lease.until <= now() + 2 * LEASE_SECONDS;
  const write = (seconds: number) =>
    updateRecord(record, (lease) =>
      lease !== undefined && isOthers(lease) ? undefined : { holder, until: now() + seconds },
    );
  if ((await write(LEASE_SECONDS))?.holder !== holder) return undefined;
  const over = new AbortController();
  const renewing = (async () => {
    while (!over.signal.aborted) {
      // Only the release aborts this sleep.
      await clock.sleep(RENEWED_EVERY_MS, over.signal).catch(() => undefined);
      if (!over.signal.aborted) await write(LEASE_SECONDS).catch(onTrouble);
    }
  })();
  return {
    release: async () => {
      over.abort();
      await renewing;
      await write(0).catch(onTrouble);
    },
  };
}
