/** Reads objects with one git process that is asked repeatedly: the objects read so far tell which ones come next. */
import { CairnError } from '../lib/errors.ts';
import { printObjects, type QuarantinePaths } from './commands.ts';
import type { Git, RunningGit } from './git.ts';
import { failureReason } from './result.ts';

/** An object that was requested; without content if it is missing. */
export interface ReadObject {
  readonly oid: string;
  readonly content: Buffer | undefined;
}

/** Objects requested in advance: git prints them one after another. */
const AHEAD = 256;

export class ObjectReader {
  private readonly git: Git;
  private readonly paths: QuarantinePaths;
  private readonly signal: AbortSignal;
  private readonly maxSize: number;
  private running: RunningGit | undefined;
  private chunks: AsyncIterator<Buffer> | undefined;
  private pending: Buffer = Buffer.alloc(0);

  /** git is started when the first object is requested. @param maxSize maximum size of an object in bytes */
  constructor(git: Git, paths: QuarantinePaths, maxSize: number, signal: AbortSignal) {
    this.git = git;
    this.paths = paths;
    this.maxSize = maxSize;
    this.signal = signal;
  }

  /**
   * Reads objects in the order of `oids`. The caller must read the generator to its end before the next call.
   * @throws CairnError `too-large` for an object above `maxSize`; `unavailable` if git fails; the signal's reason if aborted
   */
  async *read(oids: Iterable<string>): AsyncGenerator<ReadObject, void, undefined> {
    const remaining = oids[Symbol.iterator]();
    let [requested, received, all] = [0, 0, false];
    for (;;) {
      const lines: string[] = [];
      while (!all && requested - received < AHEAD) {
        const { value, done } = remaining.next();
        if (done === true) all = true;
        else lines.push(`${value}\n`);
        requested += done === true ? 0 : 1;
      }
      if (lines.length > 0) this.process().stdin.write(lines.join(''));
      if (received === requested) return;
      received++;
      yield await this.next();
    }
  }

  /** Ends git, if it was started. */
  async close(): Promise<void> {
    const { running } = this;
    if (running === undefined) return;
    running.stop();
    running.stdout.destroy();
    await running.ended;
  }

  private process(): RunningGit {
    if (this.running !== undefined) return this.running;
    const running = this.git.start(printObjects(this.paths, false), { signal: this.signal });
    running.stderr.resume();
    this.chunks = running.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.running = running;
    return running;
  }

  private async next(): Promise<ReadObject> {
    const [oid = '', type, size] = (await this.line()).split(' ');
    if (type === 'missing') return { oid, content: undefined };
    const bytes = Number(size);
    if (bytes > this.maxSize) {
      throw new CairnError(
        'too-large',
        `${type} ${oid} has ${bytes} bytes, more than the ${this.maxSize} that a ${type} may have`,
      );
    }
    const content = await this.take(bytes + 1);
    return { oid, content: content.subarray(0, bytes) };
  }

  private async line(): Promise<string> {
    for (;;) {
      const end = this.pending.indexOf(0x0a);
      if (end !== -1) {
        const line = this.pending.toString('latin1', 0, end);
        this.pending = this.pending.subarray(end + 1);
        return line;
      }
      this.pending = Buffer.concat([this.pending, await this.chunk()]);
    }
  }

  private async take(count: number): Promise<Buffer> {
    if (this.pending.length < count) {
      const chunks = [this.pending];
      let size = this.pending.length;
      while (size < count) {
        const chunk = await this.chunk();
        chunks.push(chunk);
        size += chunk.length;
      }
      this.pending = Buffer.concat(chunks, size);
    }
    const taken = this.pending.subarray(0, count);
    this.pending = this.pending.subarray(count);
    return taken;
  }

  private async chunk(): Promise<Buffer> {
    const step = await this.chunks?.next();
    if (step !== undefined && step.done !== true) return step.value;
    const result = await this.process().ended;
    this.signal.throwIfAborted();
    throw new CairnError('unavailable', failureReason('cat-file', result));
  }
}
