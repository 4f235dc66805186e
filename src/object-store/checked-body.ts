import { Readable } from 'node:stream';
import { CairnError, messageOf } from '../lib/errors.ts';
import { abortReason } from './abort.ts';

export interface CheckedBodyOptions {
  /** Number of bytes that must come: fewer or more is an error. */
  readonly length: number;
  /** What is being read, for the error. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** Told the size of every chunk that was passed on. */
  readonly onBytes?: (count: number) => void;
}

/**
 * Passes a body on and checks its length. A body that ends early, breaks off or is too long fails with a CairnError
 * `unavailable`. Destroying the result destroys the source. Nothing is read from the source before the result is
 * read.
 */
export function checkedBody(source: Readable, options: CheckedBodyOptions): Readable {
  return new CheckedBody(source, options);
}

class CheckedBody extends Readable {
  private readonly source: Readable;
  private readonly options: CheckedBodyOptions;
  private received = 0;

  constructor(source: Readable, options: CheckedBodyOptions) {
    super();
    this.source = source;
    this.options = options;
    source.on('data', this.onData);
    source.pause();
    source.once('end', this.onEnd);
    source.once('error', this.onError);
    source.once('close', this.onClose);
    if (options.signal?.aborted) this.onAbort();
    else options.signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  override _read(): void {
    this.source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.source.destroy();
    callback(error);
  }

  private readonly onData = (chunk: Buffer) => {
    this.received += chunk.length;
    if (this.received > this.options.length) {
      this.breakOff(`more than ${this.options.length} bytes arrived`);
      return;
    }
    this.options.onBytes?.(chunk.length);
    if (!this.push(chunk)) this.source.pause();
  };

  private readonly onEnd = () => {
    if (this.received === this.options.length) this.push(null);
    else this.breakOff(`${this.received} of ${this.options.length} bytes arrived`);
  };

  private readonly onError = (error: Error) => {
    if (error instanceof CairnError) this.destroy(error);
    else this.breakOff(messageOf(error), error);
  };

  private readonly onClose = () => {
    if (!this.source.readableEnded) this.breakOff(`${this.received} of ${this.options.length} bytes arrived`);
  };

  private readonly onAbort = () => {
    if (this.options.signal !== undefined) this.destroy(abortReason(this.options.signal));
  };

  private breakOff(reason: string, cause?: unknown): void {
    this.destroy(
      new CairnError('unavailable', `reading ${this.options.what} broke off: ${reason}`, { cause }),
    );
  }
}
