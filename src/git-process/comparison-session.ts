/** A git process that stays, and compares trees of one repository, one pair after the other. */
import { type Random, systemRandom } from '../lib/random.ts';
import { answerComparisons } from './browse-commands.ts';
import type { Git, RunningGit } from './git.ts';

export interface ComparisonBounds {
  /** Most bytes of the answer. */
  readonly bytes: number;
  readonly milliseconds: number;
}

/** The comparison that git is at work on. */
interface Current {
  readonly parts: Buffer[];
  size: number;
  /** The last bytes, as many as the mark has. */
  tail: Buffer;
  readonly most: number;
  settle(answer: Buffer | undefined): void;
}

/** Comparisons after which a process ends: it keeps the trees that it has read. */
const MOST_ANSWERS = 500;

/**
 * `git diff-tree --stdin` over one snapshot. git repeats a line that is no id, and flushes: so an answer ends where a line comes
 * back that nobody can know beforehand.
 *
 * It answers quick comparisons. For others the caller starts a process: while another comparison runs, when a bound is
 * met, and at the first question, since to start a process with open pipes costs more than two through the launcher.
 */
export class ComparisonSession {
  private readonly git: Git;
  private readonly gitDir: string;
  private readonly mark: Buffer;
  private running: RunningGit | undefined;
  private current: Current | undefined;
  private isFirst = true;
  private answers = 0;
  private closed = false;

  /** @param gitDir a snapshot, which must stay until the session is closed */
  constructor(git: Git, gitDir: string, random: Random = systemRandom) {
    this.git = git;
    this.gitDir = gitDir;
    this.mark = Buffer.from(`end of ${random.hex(16)}\n`);
  }

  /**
   * Compares two trees.
   * @param from and @param to whole object ids in hex
   * @returns what `diff-tree --raw --numstat -p -z` prints; undefined if this session has no answer
   */
  async compare(
    from: string,
    to: string,
    bounds: ComparisonBounds,
    signal: AbortSignal,
  ): Promise<Buffer | undefined> {
    const { isFirst } = this;
    this.isFirst = false;
    if (isFirst || this.closed || this.current !== undefined || signal.aborted) return undefined;
    const running = this.process();
    return new Promise((resolve) => {
      const stop = () => this.drop(running);
      const timer = setTimeout(stop, bounds.milliseconds);
      signal.addEventListener('abort', stop, { once: true });
      this.current = {
        parts: [],
        size: 0,
        tail: Buffer.alloc(0),
        most: bounds.bytes,
        settle: (answer) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', stop);
          this.current = undefined;
          resolve(answer);
        },
      };
      running.stdin.write(`${from} ${to}\n${this.mark.toString('latin1')}`);
    });
  }

  /** Ends git. A comparison that runs has no answer. */
  async close(): Promise<void> {
    this.closed = true;
    const { running } = this;
    if (running === undefined) return;
    this.drop(running);
    await running.ended;
  }

  private process(): RunningGit {
    if (this.running !== undefined) return this.running;
    const running = this.git.start(answerComparisons(this.gitDir));
    this.running = running;
    this.answers = 0;
    running.stderr.resume();
    running.stdout.on('data', (chunk: Buffer) => this.take(running, chunk));
    // A broken pipe, or the end: what waits has no answer.
    running.stdout.on('error', () => this.drop(running));
    void running.ended.then(() => this.drop(running));
    return running;
  }

  private take(running: RunningGit, chunk: Buffer): void {
    const { current, mark } = this;
    if (current === undefined || this.running !== running) return;
    current.size += chunk.length;
    if (current.size > current.most + mark.length) {
      this.drop(running);
      return;
    }
    current.parts.push(chunk);
    const tail = chunk.length >= mark.length ? chunk : Buffer.concat([current.tail, chunk]);
    current.tail = tail.subarray(Math.max(0, tail.length - mark.length));
    if (!current.tail.equals(mark)) return;
    current.settle(Buffer.concat(current.parts, current.size - mark.length));
    if (++this.answers === MOST_ANSWERS) this.drop(running);
  }

  /** Ends a process, which may have ended already. */
  private drop(running: RunningGit): void {
    if (this.running !== running) return;
    this.running = undefined;
    running.stop();
    running.stdout.resume();
    this.current?.settle(undefined);
  }
}
