import { CairnError } from '../../lib/errors.ts';
import { writeChunk } from '../../lib/streams.ts';
import { boundedAdvertisement } from './advertisement-body.ts';
import type { RequestBody, Session } from './connection.ts';
import { PacketStream } from './packet-stream.ts';
import { endedTooEarly, type ProcessEnd, type RemoteProcess } from './remote-process.ts';
import { SentBody } from './sent-body.ts';

export interface ProcessSessionOptions {
  readonly process: RemoteProcess;
  /** Name of the program, for errors. */
  readonly name: string;
  /** The repository as a person may see it. */
  readonly where: string;
  /** Ends the process when it is aborted. */
  readonly signal: AbortSignal;
}

/** Milliseconds that a process gets to end by itself, once nothing more is said to it. */
const GOODBYE_MS = 5_000;

/** A conversation over the standard input and output of one process. */
export class ProcessSession implements Session {
  readonly stateless = false;
  readonly advertisement: PacketStream;
  private readonly options: ProcessSessionOptions;
  private readonly output: AsyncIterator<Buffer>;
  private body: SentBody | undefined;
  private asked = false;
  private readonly onAbort = () => this.options.process.stop();

  constructor(options: ProcessSessionOptions) {
    this.options = options;
    this.output = options.process.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    // What follows the advertisement comes from the same stream, and must not count.
    this.advertisement = new PacketStream(boundedAdvertisement(this.reading()));
    options.signal.addEventListener('abort', this.onAbort, { once: true });
    if (options.signal.aborted) this.onAbort();
  }

  async request(
    body: RequestBody,
    { last, signal }: { readonly last: boolean; readonly signal: AbortSignal },
  ): Promise<PacketStream> {
    signal.throwIfAborted();
    this.asked = true;
    const { process } = this.options;
    if (signal !== this.options.signal) {
      signal.addEventListener('abort', this.onAbort, { once: true });
      void process.ended.then(() => signal.removeEventListener('abort', this.onAbort));
    }
    if (Buffer.isBuffer(body)) {
      if (last) process.stdin.end(body);
      else await writeChunk(process.stdin, body);
    } else {
      const sent = new SentBody(body);
      this.body = sent;
      void this.send(sent, last);
    }
    return new PacketStream(this.reading());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { process, signal } = this.options;
    signal.removeEventListener('abort', this.onAbort);
    // Half a request must not look like a whole one.
    if (this.body?.open === true) process.stop();
    this.body?.close();
    // A flush says that nothing is asked.
    if (process.stdin.writable) process.stdin.end(this.asked ? '' : '0000');
    process.stdout.destroy();
    const timer = setTimeout(() => process.stop(), GOODBYE_MS);
    await process.ended;
    clearTimeout(timer);
  }

  /** Never throws: a body that fails ends the process, and reading tells of the error. */
  private async send(body: SentBody, last: boolean): Promise<void> {
    const { process } = this.options;
    for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
      if (!(await writeChunk(process.stdin, chunk))) {
        body.close();
        return;
      }
    }
    if (body.failure !== undefined) process.stop();
    else if (last) process.stdin.end();
  }

  /** Standard output, which more than one packet stream reads in turn. */
  private reading(): AsyncIterable<Buffer> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.nextChunk() }) };
  }

  private async nextChunk(): Promise<IteratorResult<Buffer>> {
    const { process, signal, name, where } = this.options;
    let end: ProcessEnd | undefined;
    try {
      const step = await this.output.next();
      if (!step.done) return step;
      end = await process.ended;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error;
    }
    if (signal.aborted) throw signal.reason;
    if (this.body?.failure !== undefined) throw this.body.failure.error;
    if (end.exitCode !== 0) throw endedTooEarly(name, where, end);
    if (!this.asked) throw new CairnError('corrupt', `${where} says nothing`);
    return { done: true, value: undefined };
  }
}
