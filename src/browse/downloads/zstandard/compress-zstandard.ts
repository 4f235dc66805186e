import { Worker } from 'node:worker_threads';
import { CairnError } from '../../../lib/errors.ts';
import { STEP, type ZstandardReply, type ZstandardRequest } from './zstandard-task.ts';

export interface ZstandardOptions {
  /** Bytes of the source at most (default 16 GiB: more than git packs with gzip in the time that it has). */
  readonly most?: number;
  /** The program of the thread. */
  readonly program?: URL;
}

const MOST_BYTES = 16 * 1024 ** 3;

/**
 * The program of the thread, as JavaScript. Tests run the source, but Node starts no thread from TypeScript, so theirs run the
 * program that was built.
 */
const PROGRAM = new URL(
  import.meta.url.endsWith('.ts') ? '../../../../dist/zstandard-worker.js' : './zstandard-worker.js',
  import.meta.url,
);

/**
 * Compresses a stream with Zstandard, in a thread of its own that ends with it. The bytes depend on the bytes of the stream
 * alone, not on how they come. At most three steps are in memory.
 * @param source is read no faster than the compressed bytes are
 * @throws CairnError `too-large` when the source has more than `most` bytes, `unavailable` when the thread fails; what the source throws
 */
export async function* compressZstandard(
  source: AsyncIterable<Uint8Array>,
  { most = MOST_BYTES, program = PROGRAM }: ZstandardOptions = {},
): AsyncGenerator<Uint8Array> {
  const thread = new ZstandardThread(program);
  try {
    let before: Promise<Uint8Array> | undefined;
    let size = 0;
    for await (const step of inSteps(source, () => thread.memory())) {
      size += step.length;
      if (size > most) throw new CairnError('too-large', `more than ${most} bytes to compress`);
      // While the thread works on this step, the last one is sent.
      const now = thread.compress(step);
      if (before !== undefined) yield await before;
      before = now;
    }
    const end = thread.compress('end');
    if (before !== undefined) yield await before;
    yield await end;
  } finally {
    await thread.end();
  }
}

/**
 * Makes chunks of {@link STEP} bytes, the last one shorter, of chunks of any size.
 * @param memory gives the memory of a chunk
 */
async function* inSteps(
  source: AsyncIterable<Uint8Array>,
  memory: () => ArrayBuffer,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let step = new Uint8Array(memory());
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + STEP - filled);
      step.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < STEP) continue;
      yield step;
      step = new Uint8Array(memory());
      filled = 0;
    }
  }
  if (filled > 0) yield step.subarray(0, filled);
}

/** One thread, which compresses one stream. */
class ZstandardThread {
  private readonly worker: Worker;
  /** Those who wait for a reply, in the order of their requests. */
  private readonly waiting: { resolve(bytes: Uint8Array): void; reject(error: Error): void }[] = [];
  /** Memory of earlier requests. */
  private readonly free: ArrayBuffer[] = [];
  private failure: CairnError | undefined;

  constructor(program: URL) {
    // It needs nothing of what this process was told, such as keys.
    this.worker = new Worker(program, { env: {}, execArgv: [] });
    this.worker.on('message', (reply: ZstandardReply) => {
      if ('failure' in reply) return this.fail(reply.failure);
      if (reply.memory !== undefined) this.free.push(reply.memory);
      this.waiting.shift()?.resolve(reply.compressed);
    });
    this.worker.on('error', (error) => this.fail(String(error)));
    this.worker.on('exit', () => this.fail('its thread has ended'));
  }

  /** Memory for one request. */
  memory(): ArrayBuffer {
    return this.free.pop() ?? new ArrayBuffer(STEP);
  }

  /** Compresses what follows, or ends the stream. @param request its memory is given away */
  compress(request: ZstandardRequest): Promise<Uint8Array> {
    const reply = new Promise<Uint8Array>((resolve, reject) => {
      if (this.failure !== undefined) reject(this.failure);
      else this.waiting.push({ resolve, reject });
    });
    // Nobody waits for a reply any more when an earlier one has failed.
    reply.catch(() => undefined);
    this.worker.postMessage(request, request === 'end' ? [] : [request.buffer]);
    return reply;
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }

  private fail(reason: string): void {
    this.failure ??= new CairnError('unavailable', `cannot compress with Zstandard: ${reason}`);
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }
}
