/**
 * A lease: which server is doing a piece of work, so that servers do not do the same work at once. It only saves work
 * and protects nothing: a server that works without a lease, or longer than its lease, must find out by other means
 * that somebody else came first. A fold loses its swap; a mirror meets refs that have changed.
 */
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
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

type LeaseRecord = z.infer<typeof format>;

export interface LeaseContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** What is wanted. */
export interface LeaseRequest {
  /** Where the lease of this work is, built in `keys.ts`. */
  readonly key: string;
  /** The same name for the whole life of a process, which may take its own lease again. */
  readonly holder: string;
  /** Called when it cannot be renewed or released; the lease then ends by itself. */
  readonly onTrouble: (error: unknown) => void;
}

/** Seconds after which the lease of a dead server ends. */
export const LEASE_SECONDS = 120;
const RENEWED_EVERY_MS = (LEASE_SECONDS * 1000) / 3;

/** A lease, renewed until it is released. */
export interface Lease {
  /** Aborted when another process is found to have taken it: that process does the same work now. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Takes a lease, and renews it until it is released.
 * @returns undefined when another process holds it
 * @throws CairnError `unavailable` when the store does not answer, `busy`
 */
export async function takeLease(context: LeaseContext, request: LeaseRequest): Promise<Lease | undefined> {
  const { control: store, clock, random } = context;
  const { key, holder, onTrouble } = request;
  const record: RecordPlace<LeaseRecord> = { store, key, format, clock, random };
  const now = () => Math.floor(clock.now() / 1000);
  // A clock that is ahead must not block others for long.
  const isOthers = (lease: LeaseRecord) =>
    lease.holder !== holder && lease.until > now() && lease.until <= now() + 2 * LEASE_SECONDS;
  /** @returns whether it is ours */
  const write = async (seconds: number): Promise<boolean> => {
    const written = await updateRecord(record, (lease) =>
      lease !== undefined && isOthers(lease) ? undefined : { holder, until: now() + seconds },
    );
    return written?.holder === holder;
  };
  if (!(await write(LEASE_SECONDS))) return undefined;
  const over = new AbortController();
  const lost = new AbortController();
  const renew = async () => {
    if (await write(LEASE_SECONDS)) return;
    lost.abort(new CairnError('conflict', 'another server has taken over this work'));
  };
  const renewing = (async () => {
    while (!over.signal.aborted && !lost.signal.aborted) {
      // Only the release aborts this sleep.
      await clock.sleep(RENEWED_EVERY_MS, over.signal).catch(() => undefined);
      if (!over.signal.aborted) await renew().catch(onTrouble);
    }
  })();
  return {
    lost: lost.signal,
    release: async () => {
      over.abort();
      await renewing;
      await write(0).catch(onTrouble);
    },
  };
}
