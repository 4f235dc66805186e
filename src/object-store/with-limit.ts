import { Limiter } from '../lib/limiter.ts';
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

export interface StoreLimits {
  /** Most requests at once. A `get` counts until its body has ended or is destroyed. */
  readonly concurrent: number;
  /** Most requests that wait; one more is refused with `busy`. */
  readonly queue: number;
}

/**
 * Bounds the requests a store gets at once. Whoever holds a body while asking for another needs two places: give more
 * places than there are such holders.
 */
export function withLimit(store: ObjectStore, limits: StoreLimits): ObjectStore {
  return new LimitedStore(store, limits);
}

class LimitedStore implements ObjectStore {
  private readonly store: ObjectStore;
  private readonly places: Limiter;

  constructor(store: ObjectStore, limits: StoreLimits) {
    this.store = store;
    this.places = new Limiter('object store requests', limits.concurrent, limits.queue);
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    const release = await this.places.acquire(options?.signal);
    try {
      const result = await this.store.get(key, options);
      if (result.found && !result.body.closed) result.body.once('close', release);
      else release();
      return result;
    } catch (error) {
      release();
      throw error;
    }
  }

  head(key: string, options?: { readonly signal?: AbortSignal }): Promise<HeadResult> {
    return this.limited(options?.signal, () => this.store.head(key, options));
  }

  put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PutOutcome> {
    return this.limited(options?.signal, () => this.store.put(key, body, mode, options));
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListedObject> {
    // A place per step, not for the whole: who makes other requests while listing would wait for himself.
    const objects = this.store.list(prefix, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.limited(options?.signal, () => objects.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await objects.return?.();
    }
  }

  delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.limited(options?.signal, () => this.store.delete(key, options));
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async limited<T>(signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> {
    const release = await this.places.acquire(signal);
    try {
      return await request();
    } finally {
      release();
    }
  }
}
