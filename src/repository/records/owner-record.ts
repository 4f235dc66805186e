/**
 * The repositories of an owner in this bucket, by identifier. The quota is counted here, and upkeep finds unfinished
 * work here. The record follows the repositories and decides nothing about them: only the pointer says whether a
 * repository exists.
 */
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { ownerKey, ownersPrefix, parseOwnerKey } from '../keys.ts';
import { type RecordPlace, readRecord, updateRecord } from './shared-record.ts';

/**
 * - `reserved`: requested; the repository does not exist yet, or waits for its first data
 * - `made`: it exists
 * - `withdrawn`: its owner withdrew it, and its objects must still be removed; it no longer counts
 */
export type ReservationState = 'reserved' | 'made' | 'withdrawn';

export interface Reservation {
  /** When this state began, in seconds. */
  readonly at: number;
  readonly state: ReservationState;
}

const format = z.strictObject({
  version: z.literal(1),
  /** Increases with each write, so that no body ever repeats. */
  revision: z.int().min(0),
  /** By identifier. A list, because JSON objects treat a name like `__proto__` specially. */
  repositories: z.array(
    z.strictObject({
      identifier: z.string(),
      at: z.int().min(0),
      state: z.enum(['reserved', 'made', 'withdrawn']),
    }),
  ),
});

type OwnerRecord = z.infer<typeof format>;

/** Seconds after which another request for a reservation renews its date. */
const RENEWED_AFTER = 10 * 60;

export interface OwnerRecordsContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

export class OwnerRecords {
  private readonly context: OwnerRecordsContext;

  constructor(context: OwnerRecordsContext) {
    this.context = context;
  }

  /**
   * Reserves a place for a new repository. An existing reservation is kept, so repeated requests take one place.
   * @param limit maximum number of repositories of an owner
   * @returns `full` when the owner has reached it
   * @throws CairnError `unavailable` or `busy` when the store does not accept it
   */
  async reserve(owner: string, identifier: string, limit: number): Promise<'reserved' | 'full'> {
    let full = false;
    await updateRecord(this.place(owner), (current) => {
      const known = reservationsOf(current);
      const now = this.now();
      const mine = known.get(identifier);
      full = false;
      if (mine !== undefined && mine.state !== 'withdrawn') {
        // Upkeep drops old unused reservations: one that is needed now must not look old.
        if (mine.state === 'made' || mine.at + RENEWED_AFTER > now) return undefined;
      } else if (countOf(known) >= limit) {
        full = true;
        return undefined;
      }
      known.set(identifier, { at: now, state: 'reserved' });
      return recordOf(known);
    });
    return full ? 'full' : 'reserved';
  }

  /**
   * Records the outcome of a reservation, or of a repository without one.
   * @param state `gone` when nothing is left to remember
   * @param met only change the record if it still says this; if absent, always
   */
  async settle(
    owner: string,
    identifier: string,
    state: ReservationState | 'gone',
    met?: Reservation,
  ): Promise<void> {
    await updateRecord(this.place(owner), (current) => {
      const known = reservationsOf(current);
      const mine = known.get(identifier);
      if (met !== undefined && (mine?.state !== met.state || mine.at !== met.at)) return undefined;
      if (state === (mine?.state ?? 'gone')) return undefined;
      if (state === 'gone') known.delete(identifier);
      else known.set(identifier, { at: this.now(), state });
      return recordOf(known);
    });
  }

  /** The reservations of an owner, by identifier. */
  async read(owner: string): Promise<ReadonlyMap<string, Reservation>> {
    const reading = await readRecord(this.place(owner));
    return reservationsOf(reading.is === 'found' ? reading.record : undefined);
  }

  /**
   * Owners in the order of their keys. Lists the bucket: for upkeep, never on a request path.
   * @param after the owner to continue after
   */
  async *owners(after: string | undefined, signal?: AbortSignal): AsyncGenerator<string> {
    const options = {
      ...(after === undefined ? {} : { startAfter: ownerKey(after) }),
      ...(signal === undefined ? {} : { signal }),
    };
    for await (const { key } of this.context.control.list(ownersPrefix, options)) {
      const owner = parseOwnerKey(key);
      if (owner !== undefined) yield owner;
    }
  }

  private place(owner: string): RecordPlace<OwnerRecord> {
    const { control: store, clock, random } = this.context;
    return { store, key: ownerKey(owner), format, clock, random };
  }

  private now(): number {
    return Math.floor(this.context.clock.now() / 1000);
  }
}

function reservationsOf(record: OwnerRecord | undefined): Map<string, Reservation> {
  return new Map(record?.repositories.map(({ identifier, at, state }) => [identifier, { at, state }]));
}

function recordOf(known: ReadonlyMap<string, Reservation>): Pick<OwnerRecord, 'repositories'> {
  return { repositories: [...known].map(([identifier, reservation]) => ({ identifier, ...reservation })) };
}

function countOf(known: ReadonlyMap<string, Reservation>): number {
  return [...known.values()].filter(({ state }) => state !== 'withdrawn').length;
}
