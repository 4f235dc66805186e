/**
 * Who is folding a repository right now, so that no other server does the same work at the same time. It saves work and
 * nothing else: whoever folds without asking, or for longer than its lease, loses the swap or finds its packs gone.
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
  /** Goes up with every write, so that no body ever repeats. */
  revision: z.int().min(0),
  /** A process, by the random name it has given itself. */
  holder: z.string(),
  /** Seconds: who has not renewed it by then is gone. */
  until: z.int().min(0),
});

export type FoldLeaseRecord = z.infer<typeof format>;

export interface FoldLeaseContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** Seconds after which a server that has gone stands in nobody's way. */
export const LEASE_SECONDS = 120;
const RENEWED_EVERY_MS = (LEASE_SECONDS * 1000) / 3;

/** A lease held, and renewed until it is released. */
export interface FoldLease {
  release(): Promise<void>;
}

/**
 * Takes the lease of a repository, and renews it until it is released.
 * @param holder the same for a process's whole life: it may take what it holds already
 * @param onTrouble told when it cannot be renewed or released; it then ends by itself
 * @returns undefined when another holds it
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
  // A clock that is ahead of ours must not keep everybody out for long.
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
      // A sleep is broken off by the release alone.
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
