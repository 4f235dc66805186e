/**
 * Small records that several servers change: read, change, write if unchanged, otherwise repeat. A lost answer is
 * resolved by another read, so a change must recognize that it has already been made.
 */
import type { z } from 'zod';
import { canonicalJson, type JsonValue } from '../../lib/canonical-json.ts';
import type { Clock } from '../../lib/clock.ts';
import { becauseOf, CairnError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { readAll } from '../../lib/streams.ts';
import type { ObjectStore, PutOutcome, VersionToken } from '../../object-store/object-store.ts';

/** Each record counts its writes, so that no body ever repeats: version tokens may be derived from the content. */
export interface SharedRecord {
  readonly version: 1;
  readonly revision: number;
}

export interface RecordPlace<T extends SharedRecord> {
  readonly store: ObjectStore;
  readonly key: string;
  readonly format: z.ZodType<T>;
  readonly clock: Clock;
  readonly random: Random;
}

const MAX_BYTES = 16 * 1024 * 1024;
const ATTEMPTS = 24;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

/** The result of a read. */
export type RecordReading<T> =
  | { readonly is: 'absent' }
  | { readonly is: 'unchanged' }
  | { readonly is: 'found'; readonly version: VersionToken; readonly record: T };

/**
 * Reads a record.
 * @param known the version last seen; if it is still current, the answer is `unchanged`
 * @throws CairnError `unavailable` when the store does not answer; `corrupt` when the record is not valid
 */
export async function readRecord<T extends SharedRecord>(
  place: Pick<RecordPlace<T>, 'store' | 'key' | 'format'>,
  known?: VersionToken,
): Promise<RecordReading<T>> {
  const found = await place.store.get(place.key, known === undefined ? {} : { ifNoneMatch: known });
  if (!found.found) return { is: found.reason === 'missing' ? 'absent' : 'unchanged' };
  const bytes = await readAll(found.body, MAX_BYTES);
  try {
    const record = place.format.parse(JSON.parse(bytes.toString('utf8')));
    return { is: 'found', version: found.version, record };
  } catch (error) {
    throw new CairnError('corrupt', `${place.key} cannot be read`, { cause: error });
  }
}

/** A record as it was last read or written. */
export interface KnownRecord<T> {
  readonly version: VersionToken;
  readonly record: T;
}

/**
 * Changes a record by compare-and-swap. Creates it if needed.
 * @param change returns the new record (its `version` and `revision` are set here), or undefined when it needs no
 * change. It is called again for every version found. Its exceptions end the attempt
 * @returns the current record; undefined when there is none and none was wanted
 * @throws CairnError `unavailable` when the store does not answer: the last write may have happened; `busy` when others keep changing
 *   the record; `too-large` when it would have more bytes than a record may
 */
export async function updateRecord<T extends SharedRecord>(
  place: RecordPlace<T>,
  change: (current: T | undefined) => Omit<T, keyof SharedRecord> | undefined,
): Promise<T | undefined> {
  return (await updateKnownRecord(place, undefined, change))?.record;
}

/**
 * As {@link updateRecord}, but a record that is still as it was known here is not read before it is written.
 * @param known the record as it was last read or written here
 * @param attempts how often a write is tried
 * @returns the current record and its version
 */
export async function updateKnownRecord<T extends SharedRecord>(
  place: RecordPlace<T>,
  known: KnownRecord<T> | undefined,
  change: (current: T | undefined) => Omit<T, keyof SharedRecord> | undefined,
  attempts = ATTEMPTS,
): Promise<KnownRecord<T> | undefined> {
  let current = known;
  let last: PutOutcome | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    // Only the current record can say that there is nothing to change.
    if (attempt > 0 || current === undefined || change(current.record) === undefined) {
      const reading = await readRecord(place);
      current = reading.is === 'found' ? reading : undefined;
    }
    const wanted = change(current?.record);
    if (wanted === undefined) return current;
    const next = { ...wanted, version: 1, revision: (current?.record.revision ?? -1) + 1 } as unknown as T;
    const body = Buffer.from(canonicalJson(next as unknown as JsonValue));
    // Nobody could read it any more, and so nobody could make it smaller.
    if (body.length > MAX_BYTES) throw tooLarge(place.key);
    const put = await place.store.put(
      place.key,
      body,
      current === undefined ? { mode: 'create' } : { mode: 'replace', version: current.version },
    );
    if (put.outcome === 'written') return { version: put.version, record: next };
    last = put;
    await place.clock.sleep(
      Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * place.random.fraction(),
    );
  }
  if (last?.outcome === 'unknown') {
    throw becauseOf('unavailable', 'the object store did not accept a record', last.cause);
  }
  throw new CairnError('busy', `${place.key} keeps being changed by others, try again`, {
    publicText: 'a record that this needs keeps being changed by others, try again',
  });
}

function tooLarge(key: string): CairnError {
  return new CairnError('too-large', `${key} would have more than ${MAX_BYTES} bytes`, {
    publicText: 'a record that this needs has no room for more',
  });
}
