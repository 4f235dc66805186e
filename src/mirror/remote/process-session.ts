import { writeChunk } from '../../lib/streams.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import type { RequestBody } from '../../outbound/request-body.ts';
import { CountedBody, SentBody } from '../../outbound/sent-body.ts';
import type { TrafficObserver } from '../../outbound/traffic.ts';
import { type WaitingTimes, Watchdog } from '../../outbound/waiting-times.ts';
import { boundedAdvertisement } from './advertisement-body.ts';
import type { Session } from './connection.ts';
import { PacketStream } from './packet-stream.ts';
import { endedTooEarly, type RemoteProcess } from './remote-process.ts';

export interface ProcessSessionOptions {
  readonly process: RemoteProcess;
  /** Name of the program, for errors. */
  readonly name: string;
  /** The repository as a person may see it. */
  readonly where: string;
  /** Ends the process when it is aborted. */
  readonly signal: AbortSignal;
  readonly waitingTimes: WaitingTimes;
  readonly traffic: TrafficObserver;
}

/** Milliseconds that a process gets to end by itself, once nothing more is said to it. */
const GOODBYE_MS = 5_000;

/** A conversation over the standard input and output of one process. */
export class ProcessSession implements Session {
  readonly stateless = false;
  readonly advertisement: PacketStream;
  private readonly options: ProcessSessionOptions;
  private readonly output: AsyncIterator<Buffer>;
  /** The first bytes, until they are read. */
  private first: IteratorResult<Buffer> | undefined;
  private body: SentBody | undefined;
  private counted: CountedBody | undefined;
  private asked = false;
  /** Why the process was ended from here. */
  private failure: { readonly error: unknown } | undefined;
  private readonly signals = new Set<AbortSignal>();
  private readonly onAbort = () => {
    const aborted = [...this.signals].find((signal) => signal.aborted);
    this.fail(aborted?.reason);
  };

  constructor(options: ProcessSessionOptions) {
    this.options = options;
    this.output = options.process.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.advertisement = new PacketStream(boundedAdvertisement(this.reading()));
    options.traffic.connected();
    options.traffic.requested();
    this.obey(options.signal);
  }

  /**
   * Waits for the first bytes.
   * @throws the error of the process if it ends without any
   */
  async begun(): Promise<void> {
    this.first = await this.nextChunk();
  }

  async request(
    body: RequestBody,
    { last, signal }: { readonly last: boolean; readonly signal: AbortSignal },
  ): Promise<PacketStream> {
    const { process, traffic } = this.options;
    this.obey(signal);
    traffic.requested();
    this.asked = true;
    this.counted = new CountedBody(body, (bytes) => traffic.sent(bytes));
    if (Buffer.isBuffer(body)) {
      if (last) process.stdin.end(body);
      else process.stdin.write(body);
    } else if (this.counted.body !== undefined && !Buffer.isBuffer(this.counted.body)) {
      const sent = new SentBody(this.counted.body);
      this.body = sent;
      void this.send(sent, last);
    }
    return new PacketStream(this.reading());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { process } = this.options;
    for (const signal of this.signals) signal.removeEventListener('abort', this.onAbort);
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

  private obey(signal: AbortSignal): void {
    if (this.signals.has(signal)) return;
    this.signals.add(signal);
    signal.addEventListener('abort', this.onAbort, { once: true });
    if (signal.aborted) this.onAbort();
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
    this.body?.close();
    this.options.process.stop();
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
    if (body.failure !== undefined) this.fail(body.failure.error);
    else if (last && process.stdin.writable) process.stdin.end();
  }

  /** Standard output, which more than one packet stream reads in turn: closing one of them leaves it open. */
  private reading(): AsyncIterable<Buffer> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.nextChunk() }) };
  }

  private async nextChunk(): Promise<IteratorResult<Buffer>> {
    const { first } = this;
    this.first = undefined;
    if (first !== undefined) return first;
    const { process, where, name, traffic } = this.options;
    const watchdog = this.watch();
    try {
      const step = await this.output.next();
      if (!step.done) {
        traffic.received(step.value.length);
        return step;
      }
      const end = await process.ended;
      if (this.failure === undefined && end.exitCode !== 0) {
        throw endedTooEarly(name, where, end, this.counted?.sent);
      }
    } catch (error) {
      throw (this.failure ?? { error }).error;
    } finally {
      watchdog.stop();
    }
    if (this.failure !== undefined) throw this.failure.error;
    return { done: true, value: undefined };
  }

  private watch(): Watchdog {
    const { waitingTimes, where } = this.options;
    let sent = this.counted?.sent;
    const isOurs = () => {
      // Bytes go out while an answer is waited for.
      const moved = this.counted?.sent !== sent;
      sent = this.counted?.sent;
      return moved || this.body?.waiting === true;
    };
    return new Watchdog(this.asked ? waitingTimes.silence : waitingTimes.advertisement, isOurs, (seconds) => {
      const facts = { brokenOff: true, ...(this.counted === undefined ? {} : { sent: this.counted.sent }) };
      this.fail(new RemoteError('unavailable', `${where}: nothing has moved for ${seconds} s`, facts));
    });
  }
}
