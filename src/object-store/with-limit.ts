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
  /** Most requests in the queue. One more is refused with `busy`. */
  readonly queue: number;
}

/**
 * Limits the concurrent requests to a store. A caller that holds a body while it sends another request needs two
 * slots: configure more slots than there are such callers.
 */
export function withLimit(store: ObjectStore, limits: StoreLimits): ObjectStore {
  return new LimitedStore(store, limits);
}

class LimitedStore implements ObjectStore {
  private readonly store: ObjectStore;
  private readonly slots: Limiter;

  constructor(store: ObjectStore, limits: StoreLimits) {
    this.store = store;
    this.slots = new Limiter('object store requests', limits.concurrent, limits.queue);
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    const release = await this.slots.acquire(options?.signal);
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
    // Take a slot for each step, not for the whole listing: a caller that sends requests while it lists would wait
    // for its own slot.
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
    const release = await this.slots.acquire(signal);
    try {
      return await request();
    } finally {
      release();
    }
  }
}
