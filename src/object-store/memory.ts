import { Readable } from 'node:stream';
import { type Random, systemRandom } from '../lib/random.ts';
import { stopOnAbort } from './abort.ts';
import { readFileRange } from './local-body.ts';
import { checkKey, checkKeyPart, checkMode, checkRange, clipRange } from './object-key.ts';
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
  VersionToken,
} from './object-store.ts';

interface StoredObject {
  readonly bytes: Buffer;
  readonly version: VersionToken;
}

const CHUNK_BYTES = 64 * 1024;

/** Objects in memory, lost when the process ends. For tests, simulation and trials. */
export class MemoryObjectStore implements ObjectStore {
  private readonly objects = new Map<string, StoredObject>();
  private readonly random: Random;

  /** @param options.random the source of version tokens, so that a simulation can repeat itself */
  constructor(options: { readonly random?: Random } = {}) {
    this.random = options.random ?? systemRandom;
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    checkKey(key);
    checkRange(options.range);
    options.signal?.throwIfAborted();
    const stored = this.objects.get(key);
    if (stored === undefined) return { found: false, reason: 'missing' };
    if (stored.version === options.ifNoneMatch) return { found: false, reason: 'not-modified' };
    const { offset, length } = clipRange(stored.bytes.length, options.range);
    const body = Readable.from(copies(stored.bytes.subarray(offset, offset + length)), { objectMode: false });
    return {
      found: true,
      version: stored.version,
      size: stored.bytes.length,
      body: stopOnAbort(body, options.signal),
    };
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<HeadResult> {
    checkKey(key);
    options.signal?.throwIfAborted();
    const stored = this.objects.get(key);
    return stored === undefined
      ? { found: false }
      : { found: true, version: stored.version, size: stored.bytes.length };
  }

  async put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<PutOutcome> {
    checkKey(key);
    checkMode(mode);
    options.signal?.throwIfAborted();
    // Copy the bytes, so that later changes by the caller do not reach the stored object.
    const bytes = body instanceof Uint8Array ? Buffer.from(body) : await readFileRange(body);
    options.signal?.throwIfAborted();
    // No `await` from here to the end: the check and the write are one step.
    const stored = this.objects.get(key);
    if (mode.mode === 'create' && stored !== undefined) return { outcome: 'exists' };
    if (mode.mode === 'replace') {
      if (stored === undefined) return { outcome: 'missing' };
      if (stored.version !== mode.version) return { outcome: 'changed' };
    }
    const version = this.random.hex(16);
    this.objects.set(key, { bytes, version });
    return { outcome: 'written', version };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    checkKeyPart(prefix);
    const after = options.startAfter ?? '';
    checkKeyPart(after);
    options.signal?.throwIfAborted();
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    for (const key of keys) {
      options.signal?.throwIfAborted();
      const stored = this.objects.get(key);
      if (stored !== undefined) yield { key, size: stored.bytes.length };
    }
  }

  async delete(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkKey(key);
    options.signal?.throwIfAborted();
    this.objects.delete(key);
  }

  async close(): Promise<void> {
    // Nothing to free. Several simulated processes may share this store, and one may end before the others.
  }
}

/** Copies the bytes in chunks, so that a reader that changes its chunk does not change the stored object. */
function* copies(bytes: Buffer): Generator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
    yield Buffer.from(bytes.subarray(offset, offset + CHUNK_BYTES));
  }
}
