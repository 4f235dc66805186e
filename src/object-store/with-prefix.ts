import { CairnError } from '../lib/errors.ts';
import { checkKey, checkKeyPart } from './object-key.ts';
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

/**
 * The part of a store below `prefix/`, as a store. Several deployments can share a bucket this way.
 * @param prefix a valid key, or the empty string for the whole store
 * @throws CairnError `invalid` when it is neither
 */
export function withPrefix(store: ObjectStore, prefix: string): ObjectStore {
  const trimmed = prefix.replace(/\/+$/, '');
  if (trimmed === '') return store;
  try {
    checkKey(trimmed);
  } catch (cause) {
    throw new CairnError('invalid', `${JSON.stringify(prefix)} cannot be a prefix of object keys`, { cause });
  }
  return new PrefixedStore(store, `${trimmed}/`);
}

class PrefixedStore implements ObjectStore {
  private readonly store: ObjectStore;
  private readonly prefix: string;

  constructor(store: ObjectStore, prefix: string) {
    this.store = store;
    this.prefix = prefix;
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    return this.store.get(this.whole(key), options);
  }

  async head(key: string, options?: { readonly signal?: AbortSignal }): Promise<HeadResult> {
    return this.store.head(this.whole(key), options);
  }

  async put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PutOutcome> {
    return this.store.put(this.whole(key), body, mode, options);
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    checkKeyPart(prefix);
    const { startAfter, ...rest } = options;
    const inside = startAfter === undefined ? rest : { ...rest, startAfter: this.prefix + startAfter };
    for await (const { key, size } of this.store.list(this.prefix + prefix, inside)) {
      yield { key: key.slice(this.prefix.length), size };
    }
  }

  async delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.store.delete(this.whole(key), options);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private whole(key: string): string {
    checkKey(key);
    return this.prefix + key;
  }
}
