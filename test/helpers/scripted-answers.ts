/** Producers and readers of answers that do nothing until a test tells them to. */
import { Signal } from '../../src/lib/signal.ts';
import type { Produce } from '../../src/transfer/fetch/response-recording.ts';
import type { Output } from '../../src/transfer/output.ts';

/** A producer that writes what it is told, when it is told. */
export interface Script {
  readonly produce: Produce;
  readonly started: boolean;
  /** True once its signal has been aborted. */
  readonly stopped: boolean;
  /** Writes and waits for room. @returns what the sink said */
  write(bytes: string | Uint8Array): Promise<boolean>;
  end(said?: unknown): void;
  fail(error: unknown): void;
}

export function script(): Script {
  const { promise: ended, resolve: end, reject: fail } = withResolvers<unknown>();
  const { promise: sink, resolve: start } = withResolvers<Output>();
  let started = false;
  let signal: AbortSignal | undefined;
  return {
    produce: (output, stop) => {
      started = true;
      signal = stop;
      start(output);
      return ended;
    },
    get started() {
      return started;
    },
    get stopped() {
      return signal?.aborted === true;
    },
    write: async (bytes) => (await sink).write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes),
    end,
    fail,
  };
}

/** A client's end of an answer. */
export interface Reader extends Output {
  /** Bytes taken. */
  readonly received: number;
  bytes(): Buffer;
  /** Resolves once so many bytes have come. */
  has(bytes: number): Promise<void>;
  /** Takes what waits, and everything from then on. */
  resume(): void;
  /** Goes away: a write that waits, and every later one, is answered with false. */
  leave(): void;
}

/** @param options `paused`: takes one piece and has no room for another until it is told to resume */
export function reader(options: { readonly paused?: boolean } = {}): Reader {
  const chunks: Buffer[] = [];
  const bell = new Signal();
  let received = 0;
  let paused = options.paused ?? false;
  let left = false;
  const change = (make: () => void) => {
    make();
    bell.notify();
  };
  return {
    get received() {
      return received;
    },
    bytes: () => Buffer.concat(chunks),
    has: async (bytes) => {
      while (received < bytes) await bell.wait();
    },
    resume: () =>
      change(() => {
        paused = false;
      }),
    leave: () =>
      change(() => {
        left = true;
      }),
    write: async (chunk) => {
      if (left) return false;
      change(() => {
        chunks.push(Buffer.from(chunk));
        received += chunk.length;
      });
      while (paused && !left) await bell.wait();
      return !left;
    },
  };
}

function withResolvers<T>() {
  let resolve: (value: T | PromiseLike<T>) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
