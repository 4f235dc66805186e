import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A process that reads its input. */
export interface FedProcess {
  readonly stdin: Writable;
  stop(): void;
}

/**
 * Writes the input of a process. The process may exit before it has read all of it; its exit code tells whether that is an
 * error.
 * @returns the error if `input` throws; the process is then ended
 */
export function writeInput(
  process: FedProcess,
  input: string | Uint8Array | AsyncIterable<Uint8Array>,
): Promise<{ readonly error: unknown } | undefined> {
  if (typeof input === 'string' || input instanceof Uint8Array) {
    process.stdin.end(input);
    return Promise.resolve(undefined);
  }
  let failure: { readonly error: unknown } | undefined;
  const source = async function* () {
    // A broken pipe throws at the `yield`; an error of `input` throws elsewhere.
    let isYielding = false;
    try {
      for await (const piece of input) {
        isYielding = true;
        yield piece;
        isYielding = false;
      }
    } catch (error) {
      if (isYielding) return;
      failure = { error };
      process.stop();
    }
  };
  return pipeline(Readable.from(source(), { objectMode: false }), process.stdin)
    .catch(() => undefined)
    .then(() => failure);
}
