/**
 * An object store that lets one key be written so many times a second and no oftener, as Google Cloud Storage and R2 do:
 * for tests and measurements of what that does to pushes.
 */
import { type Clock, systemClock } from '../../src/lib/clock.ts';
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

export interface SwapRate {
  /** Writes of one key in a second. */
  readonly perSecond: number;
  /** What becomes of one that comes too early: it waits for its turn, which is the default, or is told to slow down. */
  readonly early?: 'waits' | 'refused';
  readonly clock?: Clock;
}

export class SwapRateStore implements ObjectStore {
  /** Writes that had to wait, or were refused. */
  early = 0;
  /** Writes of a key that took effect. */
  readonly written = new Map<string, number>();
  private readonly store: ObjectStore;
  private readonly interval: number;
  private readonly refuses: boolean;
  private readonly clock: Clock;
  /** Monotonic milliseconds before which a key takes no other write. */
  private readonly closedUntil = new Map<string, number>();

  constructor(store: ObjectStore, rate: SwapRate) {
    this.store = store;
    this.interval = 1000 / rate.perSecond;
    this.refuses = rate.early === 'refused';
    this.clock = rate.clock ?? systemClock;
  }

  async put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PutOutcome> {
    const now = this.clock.monotonic();
    const turn = Math.max(now, this.closedUntil.get(key) ?? now);
    if (turn > now) {
      this.early++;
      if (this.refuses) return { outcome: 'unknown', cause: new Error('503 SlowDown (simulated)') };
    }
    this.closedUntil.set(key, turn + this.interval);
    if (turn > now) await this.clock.sleep(turn - now, options?.signal);
    const outcome = await this.store.put(key, body, mode, options);
    if (outcome.outcome === 'written') this.written.set(key, (this.written.get(key) ?? 0) + 1);
    return outcome;
  }

  get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.store.get(key, options);
  }

  head(key: string, options?: { readonly signal?: AbortSignal }): Promise<HeadResult> {
    return this.store.head(key, options);
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject> {
    return this.store.list(prefix, options);
  }

  delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.store.delete(key, options);
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
