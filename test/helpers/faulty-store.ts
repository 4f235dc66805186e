/**
 * An object store that misbehaves on demand, and remembers every request: for tests of what a lost reply, a late
 * write or a throttled store does to Cairn, and for counting requests and the rounds they were made in.
 */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { CairnError } from '../../src/lib/errors.ts';
import type {
  GetOptions,
  GetResult,
  HeadResult,
  ListedObject,
  ListOptions,
  ObjectBody,
  ObjectStore,
  PutMode,
  PutOutcome,
} from '../../src/object-store/object-store.ts';

export type StoreOperation = 'get' | 'head' | 'put' | 'list' | 'delete';

/** A request as a rule sees it, before it is made. `ordinal` counts all requests from 0. */
export interface StoreCall {
  readonly operation: StoreOperation;
  /** The key; the prefix for a list. */
  readonly key: string;
  readonly mode?: PutMode['mode'];
  readonly ordinal: number;
}

/**
 * What happens to a request instead of, or besides, being made.
 * - `lose-reply-applied`      put: it happens, the answer is unknown; delete: it happens, then throws
 * - `lose-reply-not-applied`  put: it does not happen, the answer is unknown; reads and delete: throws
 * - `apply-late`              put: the answer is unknown; it is sent on `applyLate()`, or once `after` more requests were made
 * - `conflict`                put: 409, nothing happens
 * - `missing`                 put: 404, nothing happens; get and head: not found although it may be there
 * - `refuse-after-applying`   put: it happens, the answer is `exists` or `changed` (a late 412)
 * - `unavailable`             throws; nothing happens
 * - `throttle`                put: unknown, nothing happens; others throw
 * - `delay`                   waits, then it is made as usual
 * - `break-body`              get: the body fails after `after` bytes (default: half of it)
 * - `run`                     does something first (another writer's work, a crash); what happens `afterwards` may be told, or it
 *                             is made as usual
 */
export type Behaviour =
  | {
      readonly does:
        | 'lose-reply-applied'
        | 'lose-reply-not-applied'
        | 'conflict'
        | 'missing'
        | 'refuse-after-applying'
        | 'unavailable'
        | 'throttle';
    }
  | { readonly does: 'apply-late'; readonly after?: number }
  | { readonly does: 'delay'; readonly milliseconds: number }
  | { readonly does: 'break-body'; readonly after?: number }
  | { readonly does: 'run'; readonly before: () => Promise<void>; readonly afterwards?: Behaviour };

/** Decides about one request; undefined lets it pass. The first rule with an opinion decides. */
export type FaultRule = (call: StoreCall) => Behaviour | undefined;

/** One request in the log. `start` and `end` are positions on one counter: requests overlap when their spans do. */
export interface LoggedRequest {
  readonly operation: StoreOperation;
  readonly key: string;
  readonly mode?: PutMode['mode'];
  readonly start: number;
  end: number | undefined;
  /** `written`, `found`, `not-modified`, …; `failed` when it threw; undefined while under way. */
  outcome: string | undefined;
}

/** The event log, whose bucket it is, and the index of mirrors. */
const BACKGROUND = /^v1\/(?:events|service|mirrors)/;

interface LateWrite {
  readonly due: number;
  apply(): Promise<PutOutcome>;
}

export class FaultyStore implements ObjectStore {
  /** Asked in order for every request. */
  readonly rules: FaultRule[] = [];
  readonly log: LoggedRequest[] = [];
  /** Milliseconds every request takes at least, so that requests made together overlap. */
  latency = 0;
  private readonly store: ObjectStore;
  private late: LateWrite[] = [];
  private ticks = 0;
  private calls = 0;
  private readonly sees: (key: string) => boolean;

  /**
   * @param options `sees`: the keys that are logged and that rules are asked about. Left out, that is all but what a server
   *   writes and follows in the background whatever is asked of it
   */
  constructor(
    store: ObjectStore,
    options: { readonly latency?: number; readonly sees?: (key: string) => boolean } = {},
  ) {
    this.store = store;
    this.latency = options.latency ?? 0;
    this.sees = options.sees ?? ((key) => !BACKGROUND.test(key));
  }

  /** Adds a rule for the next `times` requests (default one) that `matches`. */
  next(matches: (call: StoreCall) => boolean, behaviour: Behaviour, times = 1): void {
    let left = times;
    this.rules.push((call) => {
      if (left === 0 || !matches(call)) return undefined;
      left--;
      return behaviour;
    });
  }

  /** Drops rules, log and counters; late writes stay. */
  reset(): void {
    this.rules.length = 0;
    this.log.length = 0;
  }

  /** Requests in the log, of one operation if named. */
  count(operation?: StoreOperation): number {
    return this.log.filter((request) => operation === undefined || request.operation === operation).length;
  }

  /** Puts and deletes in the log. */
  writes(): number {
    return this.count('put') + this.count('delete');
  }

  /** The most requests of the log of which each began after the one before had been answered. */
  rounds(): number {
    const spans = this.log
      .map(({ start, end }) => ({ start, end: end ?? Number.POSITIVE_INFINITY }))
      .sort((left, right) => left.end - right.end);
    let rounds = 0;
    let answered = -1;
    for (const { start, end } of spans) {
      if (start <= answered) continue;
      rounds++;
      answered = end;
    }
    return rounds;
  }

  /** Carries out the writes that were held back, in the order they were sent. @returns what the store said */
  async applyLate(): Promise<readonly PutOutcome[]> {
    const due = this.late;
    this.late = [];
    const outcomes: PutOutcome[] = [];
    for (const write of due) outcomes.push(await write.apply());
    return outcomes;
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.request<GetResult>('get', key, async (behaviour) => {
      if (behaviour?.does === 'missing')
        return { value: { found: false, reason: 'missing' }, outcome: 'missing' };
      failWhenTold(behaviour);
      const result = await this.store.get(key, options);
      if (!result.found) return { value: result, outcome: result.reason };
      if (behaviour?.does !== 'break-body') return { value: result, outcome: 'found' };
      const body = brokenBody(result.body, result.size, behaviour.after);
      return { value: { ...result, body }, outcome: 'found' };
    });
  }

  head(key: string, options?: { readonly signal?: AbortSignal }): Promise<HeadResult> {
    return this.request<HeadResult>('head', key, async (behaviour) => {
      if (behaviour?.does === 'missing') return { value: { found: false }, outcome: 'missing' };
      failWhenTold(behaviour);
      const result = await this.store.head(key, options);
      return { value: result, outcome: result.found ? 'found' : 'missing' };
    });
  }

  put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PutOutcome> {
    return this.request(
      'put',
      key,
      async (behaviour) => {
        const value = await this.putAs(behaviour, () => this.store.put(key, body, mode, options), mode);
        return { value, outcome: value.outcome };
      },
      mode.mode,
    );
  }

  private async putAs(
    behaviour: Behaviour | undefined,
    send: () => Promise<PutOutcome>,
    mode: PutMode,
  ): Promise<PutOutcome> {
    switch (behaviour?.does) {
      case 'lose-reply-applied':
        await send();
        return { outcome: 'unknown', cause: new Error('the reply was lost (injected)') };
      case 'lose-reply-not-applied':
        return { outcome: 'unknown', cause: new Error('the request was lost (injected)') };
      case 'throttle':
        return { outcome: 'unknown', cause: new Error('503 SlowDown (injected)') };
      case 'apply-late':
        this.late.push({ due: this.calls + (behaviour.after ?? Number.POSITIVE_INFINITY), apply: send });
        return { outcome: 'unknown', cause: new Error('no answer yet (injected)') };
      case 'conflict':
        return { outcome: 'conflict' };
      case 'missing':
        return { outcome: 'missing' };
      case 'refuse-after-applying':
        await send();
        return { outcome: mode.mode === 'create' ? 'exists' : 'changed' };
      case 'unavailable':
        throw unavailable();
      default:
        return send();
    }
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListedObject> {
    // A listing is one request here, however many pages it has; it ends when its reader is done with it.
    const objects = await this.request('list', prefix, async (behaviour) => {
      failWhenTold(behaviour);
      return { value: this.store.list(prefix, options), outcome: 'listed' };
    });
    yield* objects;
  }

  delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.request('delete', key, async (behaviour) => {
      if (behaviour?.does === 'lose-reply-applied') {
        await this.store.delete(key, options);
        throw unavailable();
      }
      failWhenTold(behaviour);
      await this.store.delete(key, options);
      return { value: undefined, outcome: 'deleted' };
    });
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async request<T>(
    operation: StoreOperation,
    key: string,
    make: (behaviour: Behaviour | undefined) => Promise<{ readonly value: T; readonly outcome: string }>,
    mode?: PutMode['mode'],
  ): Promise<T> {
    if (!this.sees(key)) return (await make(undefined)).value;
    const about = { operation, key, ...(mode === undefined ? {} : { mode }) };
    const entry: LoggedRequest = { ...about, start: this.ticks++, end: undefined, outcome: undefined };
    this.log.push(entry);
    const call = { ...about, ordinal: this.calls++ };
    let behaviour: Behaviour | undefined;
    for (const rule of this.rules) {
      behaviour = rule(call);
      if (behaviour !== undefined) break;
    }
    try {
      await this.applyDue();
      if (this.latency > 0) await sleep(this.latency);
      if (behaviour?.does === 'delay') await sleep(behaviour.milliseconds);
      if (behaviour?.does === 'run') {
        await behaviour.before();
        behaviour = behaviour.afterwards;
      }
      const { value, outcome } = await make(behaviour);
      entry.outcome = outcome;
      return value;
    } catch (error) {
      entry.outcome = 'failed';
      throw error;
    } finally {
      entry.end = this.ticks++;
    }
  }

  private async applyDue(): Promise<void> {
    const due = this.late.filter((write) => write.due < this.calls);
    this.late = this.late.filter((write) => !due.includes(write));
    for (const write of due) await write.apply();
  }
}

function unavailable(): CairnError {
  return new CairnError('unavailable', 'the object store does not answer (injected)');
}

/** Reads and deletes know no `unknown`: what loses an answer makes them throw. */
function failWhenTold(behaviour: Behaviour | undefined): void {
  switch (behaviour?.does) {
    case 'unavailable':
    case 'throttle':
    case 'lose-reply-applied':
    case 'lose-reply-not-applied':
      throw unavailable();
    default:
  }
}

/** The first `after` bytes of a body (default: half of them), then an error. */
function brokenBody(body: Readable, size: number, after = Math.floor(size / 2)): Readable {
  async function* part(): AsyncGenerator<Buffer> {
    let left = after;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      yield chunk.subarray(0, left);
      left -= Math.min(left, chunk.length);
      if (left === 0) break;
    }
    throw new CairnError('unavailable', 'the object store broke off (injected)');
  }
  return Readable.from(part(), { objectMode: false });
}
