import { type Clock, systemClock } from '../lib/clock.ts';
import { isCairnError } from '../lib/errors.ts';
import { type Random, systemRandom } from '../lib/random.ts';
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
} from './object-store.ts';
import { StoreRefusedError } from './store-refused.ts';

export interface RetryOptions {
  /** Milliseconds after which no further attempt begins. */
  readonly patience: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Repeats reads and deletes that the store did not answer. It never repeats writes: only code that knows the meaning
 * of the body can tell a resent write from a lost one. It does not resume a body that breaks off.
 */
export function withRetry(store: ObjectStore, options: RetryOptions): ObjectStore {
  return new RetryingStore(store, options);
}

class RetryingStore implements ObjectStore {
  private readonly store: ObjectStore;
  private readonly patience: number;
  private readonly clock: Clock;
  private readonly random: Random;

  constructor(store: ObjectStore, options: RetryOptions) {
    this.store = store;
    this.patience = options.patience;
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? systemRandom;
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.repeated(options?.signal, () => this.store.get(key, options));
  }

  head(key: string, options?: { readonly signal?: AbortSignal }): Promise<HeadResult> {
    return this.repeated(options?.signal, () => this.store.head(key, options));
  }

  put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PutOutcome> {
    return this.store.put(key, body, mode, options);
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    // A listing that breaks off continues after the last key it returned.
    let after = options.startAfter;
    const reopen = () =>
      this.store
        .list(prefix, after === undefined ? options : { ...options, startAfter: after })
        [Symbol.asyncIterator]();
    let objects = reopen();
    try {
      for (;;) {
        let broken = false;
        const next = await this.repeated(options.signal, () => {
          if (broken) objects = reopen();
          broken = true;
          return objects.next();
        });
        if (next.done === true) return;
        after = next.value.key;
        yield next.value;
      }
    } finally {
      await objects.return?.();
    }
  }

  delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.repeated(options?.signal, () => this.store.delete(key, options));
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async repeated<T>(signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> {
    const deadline = this.clock.monotonic() + this.patience;
    for (let attempt = 0; ; attempt++) {
      try {
        return await request();
      } catch (error) {
        const pause =
          Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + this.random.fraction());
        if (!isWorthAnother(error) || this.clock.monotonic() + pause > deadline) throw error;
        await this.clock.sleep(pause, signal);
      }
    }
  }
}

function isWorthAnother(error: unknown): boolean {
  return isCairnError(error, 'unavailable') && !(error instanceof StoreRefusedError);
}
