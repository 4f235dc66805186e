import { CairnError } from '../../lib/errors.ts';
import { readAll } from '../../lib/streams.ts';
import type { GetOptions, ObjectBody, ObjectStore, PutMode, VersionToken } from '../object-store.ts';

/** A store broke the contract: the key, and what happened. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
  readonly key: string;

  constructor(key: string, reason: string) {
    super(`${key}: ${reason}`);
    this.key = key;
  }
}

/** Fails the case unless `condition` holds. */
export function check(condition: boolean, key: string, reason: string): asserts condition {
  if (!condition) throw new ConformanceError(key, reason);
}

/** The stores of one case: two connections to one store, and a prefix of its own. */
export interface ConformanceStores {
  readonly first: ObjectStore;
  /** The same store over other connections. May be the same value for a store without connections. */
  readonly second: ObjectStore;
  /** Keys of the case begin with this; it ends with `/`, and nothing else is below it. */
  readonly prefix: string;
  /** An existing local folder for files that are sent as bodies. */
  readonly scratch: string;
  /** Waits until the same key may be written again; some stores take one write of a key per second. */
  readonly pause: () => Promise<void>;
  /** Waits before an unanswered write is sent again. */
  readonly backOff: () => Promise<void>;
}

/**
 * What a case costs beyond a few small requests: `many-keys` and `many-writes` take minutes on a far or throttled
 * store, `large-body` moves more than 64 MiB, `early-end` opens many bodies at once.
 */
export type ConformanceCost = 'many-keys' | 'many-writes' | 'large-body' | 'early-end';

/** A case shows one promise of the contract on a real store. `run` rejects when the store breaks it. */
export interface ConformanceCase {
  readonly name: string;
  readonly cost?: ConformanceCost;
  /** Some weak servers crash on these: the probe runs them last, one at a time. */
  readonly delicate?: true;
  run(stores: ConformanceStores): Promise<void>;
}

const MOST_BYTES_READ = 64 * 1024 * 1024;
const TRIES = 5;

/** Reads a whole object. @throws ConformanceError when it does not exist */
export async function read(
  store: ObjectStore,
  key: string,
  options?: GetOptions,
): Promise<{ readonly bytes: Buffer; readonly version: VersionToken; readonly size: number }> {
  const result = await store.get(key, options);
  check(result.found, key, `a read found nothing (${result.found ? '' : result.reason})`);
  return {
    bytes: await readAll(result.body, MOST_BYTES_READ),
    version: result.version,
    size: result.size,
  };
}

/**
 * Writes and determines the outcome even from a store that throttles. While the answer is `unknown`, the same bytes
 * are sent again under the same condition; a refusal after that is compared with the stored body.
 * @returns the version written, or the name of the refusal
 * @throws CairnError `unavailable` when the store answers no attempt
 */
export async function write(
  stores: ConformanceStores,
  key: string,
  body: ObjectBody,
  mode: PutMode,
): Promise<{ readonly written: VersionToken } | { readonly refused: 'exists' | 'changed' | 'missing' }> {
  let doubt = false;
  let last = 'nothing';
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (attempt > 0) await stores.backOff();
    const outcome = await stores.first.put(key, body, mode);
    if (outcome.outcome === 'written') {
      check(outcome.version !== '', key, 'a write was answered with an empty version');
      return { written: outcome.version };
    }
    last = outcome.outcome;
    if (outcome.outcome === 'unknown') doubt = true;
    else if (outcome.outcome !== 'conflict') {
      if (doubt && body instanceof Uint8Array) {
        const stored = await read(stores.first, key);
        if (stored.bytes.equals(body)) return { written: stored.version };
      }
      return { refused: outcome.outcome };
    }
  }
  // The store said nothing false, and the outcome is not known.
  throw new CairnError('unavailable', `${key}: a write was answered "${last}" ${TRIES} times`);
}

/** Writes; the store must accept. @returns the version */
export async function mustWrite(
  stores: ConformanceStores,
  key: string,
  body: ObjectBody,
  mode: PutMode = { mode: 'create' },
): Promise<VersionToken> {
  const result = await write(stores, key, body, mode);
  check(
    'written' in result,
    key,
    `${mode.mode} was refused with "${'refused' in result ? result.refused : ''}"`,
  );
  return result.written;
}

/** Writes; the store must refuse with one of the outcomes given. */
export async function mustRefuse(
  stores: ConformanceStores,
  key: string,
  body: ObjectBody,
  mode: PutMode,
  ...outcomes: ('exists' | 'changed' | 'missing')[]
): Promise<void> {
  const result = await write(stores, key, body, mode);
  check('refused' in result, key, `${mode.mode} was accepted where only ${outcomes.join(' or ')} is right`);
  check(
    outcomes.includes(result.refused),
    key,
    `${mode.mode} was answered "${result.refused}" instead of ${outcomes.join(' or ')}`,
  );
}

/** The keys below a prefix in the order the store lists them. */
export async function listKeys(
  store: ObjectStore,
  prefix: string,
  startAfter?: string,
): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix, startAfter === undefined ? {} : { startAfter })) {
    keys.push(key);
  }
  return keys;
}

/** A body of `length` bytes that differs at every offset and for every seed. */
export function patterned(length: number, seed: string): Buffer {
  const bytes = Buffer.alloc(length, seed);
  for (let offset = 0; offset + 4 <= length; offset += 61) bytes.writeUInt32BE(offset, offset);
  return bytes;
}
