import { checkedBody } from './checked-body.ts';
import { clipRange } from './object-key.ts';
import {
  bodyLength,
  type GetOptions,
  type GetResult,
  type HeadResult,
  type ListedObject,
  type ListOptions,
  type ObjectBody,
  type ObjectStore,
  type PutMode,
  type PutOutcome,
} from './object-store.ts';

export type StoreOperation = 'get' | 'head' | 'put' | 'list' | 'delete';

/** Which connections a request went over. */
export type StoreTraffic = 'control' | 'bulk';

/** Receives every request. It does not receive keys, because metric labels must have few values. */
export interface StoreObserver {
  /**
   * A request was answered, or failed. Outcomes are those of the contract (`found`, `missing`, `not-modified`,
   * `written`, `exists`, …), `listed`, `deleted`, `aborted`, and `failed` for an exception. A listing counts once.
   * @param seconds until the answer, without the body of a `get`
   */
  answered(traffic: StoreTraffic, operation: StoreOperation, outcome: string, seconds: number): void;
  /** Bytes of bodies sent to the store (`put`) or received from it (`get`). Called once per request, at its end. */
  moved(traffic: StoreTraffic, operation: 'get' | 'put', bytes: number): void;
}

/** Reports every request of a store to an observer. */
export function withMetrics(store: ObjectStore, traffic: StoreTraffic, observer: StoreObserver): ObjectStore {
  return new ObservedStore(store, traffic, observer);
}

class ObservedStore implements ObjectStore {
  private readonly store: ObjectStore;
  private readonly traffic: StoreTraffic;
  private readonly observer: StoreObserver;

  constructor(store: ObjectStore, traffic: StoreTraffic, observer: StoreObserver) {
    this.store = store;
    this.traffic = traffic;
    this.observer = observer;
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    const result = await this.observed(
      'get',
      (answer: GetResult) => (answer.found ? 'found' : answer.reason),
      () => this.store.get(key, options),
      options?.signal,
    );
    if (!result.found) return result;
    let bytes = 0;
    const body = checkedBody(result.body, {
      length: clipRange(result.size, options?.range).length,
      what: key,
      signal: options?.signal,
      onBytes: (count) => {
        bytes += count;
      },
    });
    body.once('close', () => this.observer.moved(this.traffic, 'get', bytes));
    return { ...result, body };
  }

  head(key: string, options?: { readonly signal?: AbortSignal }): Promise<HeadResult> {
    return this.observed(
      'head',
      (answer: HeadResult) => (answer.found ? 'found' : 'missing'),
      () => this.store.head(key, options),
      options?.signal,
    );
  }

  async put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PutOutcome> {
    const result = await this.observed(
      'put',
      (answer: PutOutcome) => answer.outcome,
      () => this.store.put(key, body, mode, options),
      options?.signal,
    );
    if (result.outcome === 'written') this.observer.moved(this.traffic, 'put', bodyLength(body));
    return result;
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListedObject> {
    const started = performance.now();
    let outcome = 'listed';
    try {
      yield* this.store.list(prefix, options);
    } catch (error) {
      outcome = options?.signal?.aborted ? 'aborted' : 'failed';
      throw error;
    } finally {
      this.observer.answered(this.traffic, 'list', outcome, (performance.now() - started) / 1000);
    }
  }

  delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.observed(
      'delete',
      () => 'deleted',
      () => this.store.delete(key, options),
      options?.signal,
    );
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async observed<T>(
    operation: StoreOperation,
    outcomeOf: (answer: T) => string,
    request: () => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const started = performance.now();
    let outcome = 'failed';
    try {
      const answer = await request();
      outcome = outcomeOf(answer);
      return answer;
    } catch (error) {
      if (signal?.aborted) outcome = 'aborted';
      throw error;
    } finally {
      this.observer.answered(this.traffic, operation, outcome, (performance.now() - started) / 1000);
    }
  }
}
