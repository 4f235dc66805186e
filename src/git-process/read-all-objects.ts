/** Many objects in full, by one process of git that is told all of them beforehand: many times faster than one by one. */

import { Yielder } from '../lib/cooperative.ts';
import { CairnError } from '../lib/errors.ts';
import { writeChunk } from '../lib/streams.ts';
import { printObjects, type QuarantinePaths } from './commands.ts';
import type { Git, RunningGit } from './git.ts';
import { failureReason } from './result.ts';

/** Hears of each object in the order in which they were asked for; without content and type of one that is not there. */
export type TakeObject = (oid: string, content: Buffer | undefined, type: string | undefined) => void;

export interface ReadAllOptions {
  readonly git: Git;
  readonly paths: QuarantinePaths;
  /** Bytes of the largest object to be read. */
  readonly maxSize: number;
  readonly signal: AbortSignal;
  /** How far git stands back for others (nice(2)); not at all when absent. */
  readonly niceness?: number;
}

/** Ids written to git at a time. */
const LINES = 1_000;
const LINE_FEED = 0x0a;

/**
 * Reads objects, all by one process.
 * @param take is called with each of them; its buffer is good for the call alone
 * @throws CairnError `too-large` for one above the size; `unavailable` when git fails; what `take` throws; the signal's reason
 *   when it is aborted
 */
export async function readAllObjects(
  { git, paths, maxSize, signal, niceness }: ReadAllOptions,
  oids: Iterable<string>,
  take: TakeObject,
): Promise<void> {
  const running = git.start(
    { ...printObjects(paths, true), ...(niceness === undefined ? {} : { niceness }) },
    { signal },
  );
  running.stderr.resume();
  const asking = ask(running, oids);
  try {
    const answers = new Answers(maxSize, take);
    const pauses = new Yielder();
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      answers.push(chunk);
      await pauses.next();
    }
    const asked = await asking;
    const result = await running.ended;
    signal.throwIfAborted();
    if (result.exitCode !== 0 || answers.count !== asked || !answers.isAtEnd) {
      throw new CairnError('unavailable', failureReason('cat-file', result));
    }
  } finally {
    running.stop();
    running.stdout.destroy();
    await Promise.allSettled([asking, running.ended]);
  }
}

/** Writes all ids. @returns how many */
async function ask({ stdin }: RunningGit, oids: Iterable<string>): Promise<number> {
  let asked = 0;
  let lines: string[] = [];
  // git may end before it has read all; its exit code tells why.
  const write = () => (stdin.destroyed ? Promise.resolve() : writeChunk(stdin, Buffer.from(lines.join(''))));
  for (const oid of oids) {
    asked++;
    if (lines.push(`${oid}\n`) < LINES) continue;
    await write();
    lines = [];
  }
  await write();
  stdin.end();
  return asked;
}

/** Cuts what `cat-file --batch` prints into objects, as it comes. */
class Answers {
  /** How many objects have come, or were said to be missing. */
  count = 0;
  private readonly maxSize: number;
  private readonly take: TakeObject;
  /** What has come and is not a whole answer yet. */
  private readonly chunks: Buffer[] = [];
  private held = 0;
  /** Bytes without which it is not worth looking at them again. */
  private wanted = 1;

  constructor(maxSize: number, take: TakeObject) {
    this.maxSize = maxSize;
    this.take = take;
  }

  get isAtEnd(): boolean {
    return this.held === 0;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.held += chunk.length;
    if (this.held < this.wanted) return;
    const [only] = this.chunks;
    const bytes =
      this.chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.chunks, this.held);
    const rest = bytes.subarray(this.takeWhole(bytes));
    this.chunks.splice(0, this.chunks.length, rest);
    this.held = rest.length;
  }

  /** Takes every answer that is there whole. @returns the bytes they have */
  private takeWhole(bytes: Buffer): number {
    let at = 0;
    for (;;) {
      const lineEnd = bytes.indexOf(LINE_FEED, at);
      if (lineEnd === -1) {
        this.wanted = bytes.length - at + 1;
        return at;
      }
      const [oid = '', type, length] = bytes.toString('latin1', at, lineEnd).split(' ');
      if (type === 'missing') {
        this.take(oid, undefined, undefined);
        this.count++;
        at = lineEnd + 1;
        continue;
      }
      const size = Number(length);
      if (size > this.maxSize) {
        throw new CairnError(
          'too-large',
          `${type} ${oid} has ${size} bytes, more than the ${this.maxSize} that a ${type} may have`,
        );
      }
      const end = lineEnd + 1 + size;
      // A line feed follows the content.
      if (end + 1 > bytes.length) {
        this.wanted = end + 1 - at;
        return at;
      }
      this.take(oid, bytes.subarray(lineEnd + 1, end), type);
      this.count++;
      at = end + 1;
    }
  }
}
