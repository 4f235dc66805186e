import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CairnError, messageOf, systemCode } from '../lib/errors.ts';
import type { GitCommand } from './commands.ts';
import { gitEnvironment } from './environment.ts';
import type { Launcher } from './launcher.ts';
import { isNotStarted, limitMemory } from './memory-limit.ts';
import { type Grant, MemoryShares, type SharesOptions } from './memory-shares.ts';
import type { GitResult } from './result.ts';

/** Hears of every process started and ended; for metrics, and for tests that count. */
export interface GitObserver {
  started(name: string): void;
  ended(name: string, seconds: number, ok: boolean): void;
}

export interface GitOptions {
  /** The git to run; a name is looked up in PATH. */
  readonly binary: string;
  /** A folder that holds no configuration. */
  readonly home: string;
  /** Bytes of memory that each process may have (see `memory-limit.ts`); without it as many as it wants. */
  readonly memory?: number;
  /** How many times that much memory all processes may have together; without it as many as are wanted. */
  readonly shares?: SharesOptions;
  readonly observer?: GitObserver;
  /** Starts what is run briefly; without it this process does. */
  readonly launcher?: Launcher;
}

/** How a process ended that was run briefly. */
export interface BriefResult extends GitResult {
  /** The beginning of standard output. */
  readonly stdout: Buffer;
  /** True when there was more. */
  readonly cut: boolean;
}

export interface BriefOptions {
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Bytes of standard output to keep, 64 KiB when not given. What comes after them is dropped. */
  readonly keepOutput?: number;
}

/** A git process under way, its streams open. */
export interface RunningGit {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process has ended and its streams are closed. Never rejects. */
  readonly ended: Promise<GitResult>;
  /** Ends the process and its children: politely first, then, after two seconds, not. */
  stop(): void;
}

const STDERR_KEPT = 16 * 1024;
const KILL_AFTER_MS = 2_000;
const OUTPUT_KEPT = 64 * 1024;

/** Bytes of input that {@link Git.brief} takes at most to another process; more are worth a pipe of their own. */
export const briefInput = 1024 * 1024;

/** Starts git processes, all with the allow-listed environment, and knows which are alive. */
export class Git {
  private readonly options: GitOptions;
  private readonly alive = new Set<{ readonly ended: Promise<unknown>; stop(): void }>();
  private readonly shares: MemoryShares;

  constructor(options: GitOptions) {
    this.options = options;
    this.shares = new MemoryShares(options.memory ?? Number.POSITIVE_INFINITY, options.shares);
  }

  /** Number of git processes alive now (children of git not counted). */
  get running(): number {
    return this.alive.size;
  }

  /**
   * Starts a command with open streams. The caller reads or destroys `stdout`.
   * @throws CairnError `unavailable` when the process cannot be started, `busy` when no memory is left for it; the signal's
   *   reason when it is aborted already: a process costs more to start than most of them run
   */
  start(command: GitCommand, options: { readonly signal?: AbortSignal } = {}): RunningGit {
    options.signal?.throwIfAborted();
    const began = performance.now();
    const grant = this.shares.take(command);
    const child = this.spawnGit(command, grant);
    const { stdin, stdout, stderr, pid } = child;
    if (pid === undefined) {
      grant.release();
      // The missing process id tells it already; unheard, the event would end the server.
      child.on('error', () => undefined);
      throw this.notStarted(command, undefined);
    }
    this.options.observer?.started(command.name);
    if (command.niceness !== undefined) standBack(pid, command.niceness);

    let cancelled = false;
    let over = false;
    let killTimer: NodeJS.Timeout | undefined;
    const stop = () => {
      // Once it is over its process id may be somebody else's.
      if (cancelled || over) return;
      cancelled = true;
      killGroup(pid, 'SIGTERM');
      killTimer = setTimeout(() => killGroup(pid, 'SIGKILL'), KILL_AFTER_MS);
    };
    // A process that exits without reading all of its input is no error of ours: its exit code tells.
    stdin.on('error', () => undefined);
    const kept = keepTail(stderr);
    options.signal?.addEventListener('abort', stop, { once: true });

    const ended = new Promise<GitResult>((resolve) => {
      child.once('close', (exitCode, signal) => {
        over = true;
        grant.release();
        clearTimeout(killTimer);
        options.signal?.removeEventListener('abort', stop);
        this.alive.delete(running);
        this.options.observer?.ended(command.name, (performance.now() - began) / 1000, exitCode === 0);
        resolve({ exitCode, signal, cancelled, stderr: kept() });
      });
    });
    const running: RunningGit = { stdin, stdout, stderr, ended, stop };
    this.alive.add(running);
    return running;
  }

  private spawnGit(command: GitCommand, grant: Grant): ChildProcessWithoutNullStreams {
    try {
      const { file, args, env } = this.programOf(command, grant);
      return spawn(file, args, {
        env,
        // A group of its own: upload-pack's pack-objects dies with it, and Ctrl-C at the server reaches neither.
        detached: true,
        stdio: 'pipe',
      });
    } catch (error) {
      grant.release();
      throw this.notStarted(command, error);
    }
  }

  /** What to start for a command, with the memory that was granted to it. */
  private programOf(command: GitCommand, { times }: Grant) {
    const { binary, home, memory: share } = this.options;
    const { name, args, config, variables } = command;
    const memory = share === undefined ? undefined : share * times;
    const env = gitEnvironment({
      home,
      ...(memory === undefined ? {} : { memory }),
      ...(config === undefined ? {} : { config }),
      ...(variables === undefined ? {} : { variables }),
    });
    return { ...limitMemory(memory, { file: binary, args: [name, ...args] }), env };
  }

  private notStarted(command: GitCommand, cause: unknown): CairnError {
    return new NotStarted(`git could not be started (${this.options.binary} ${command.name})`, cause);
  }

  /** With a memory limit it is the shell before git that tells it. */
  private mustBeStarted(command: GitCommand, result: GitResult): void {
    if (this.options.memory !== undefined && isNotStarted(result))
      throw this.notStarted(command, result.stderr);
  }

  /**
   * Runs a command to its end: writes `input`, collects standard output.
   * @throws CairnError `unavailable` when it cannot be started, or prints more than `maxOutput` bytes (default 64 MiB); what
   *   `input` throws
   */
  async run(
    command: GitCommand,
    options: {
      readonly input?: string | Uint8Array | AsyncIterable<Uint8Array>;
      readonly signal?: AbortSignal;
      readonly maxOutput?: number;
    } = {},
  ): Promise<GitResult & { readonly stdout: Buffer }> {
    const process = this.start(command, options.signal === undefined ? {} : { signal: options.signal });
    const maxOutput = options.maxOutput ?? 64 * 1024 * 1024;
    const fed = feed(process, options.input ?? '');
    process.stderr.resume();
    const chunks: Buffer[] = [];
    let size = 0;
    let trouble: unknown;
    try {
      for await (const chunk of process.stdout as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxOutput)
          throw new CairnError('unavailable', `git ${command.name} printed more than ${maxOutput} bytes`);
      }
    } catch (error) {
      trouble = error;
      process.stop();
    }
    const result = await process.ended;
    const unfed = await fed;
    if (unfed !== undefined) throw unfed.error;
    if (trouble !== undefined && !result.cancelled) {
      throw new CairnError('unavailable', `git ${command.name} could not be read: ${messageOf(trouble)}`, {
        cause: trouble,
      });
    }
    if (trouble instanceof CairnError) throw trouble;
    this.mustBeStarted(command, result);
    return { ...result, stdout: Buffer.concat(chunks) };
  }

  /**
   * Runs a command with little input to its end and keeps the beginning of what it prints. This is how to run what requests
   * wait for: starting a process takes this one long (see {@link Launcher}).
   * @throws CairnError `unavailable` when it cannot be started; the signal's reason when it is aborted already
   */
  async brief(command: GitCommand, options: BriefOptions = {}): Promise<BriefResult> {
    const { launcher } = this.options;
    const input = Buffer.from(options.input ?? '');
    if (launcher === undefined || input.length > briefInput || !launcher.ready) {
      return this.briefHere(command, input, options);
    }
    return this.launch(launcher, command, input, options);
  }

  private async briefHere(command: GitCommand, input: Buffer, options: BriefOptions): Promise<BriefResult> {
    const running = this.start(command, options.signal === undefined ? {} : { signal: options.signal });
    const keep = options.keepOutput ?? OUTPUT_KEPT;
    const chunks: Buffer[] = [];
    let size = 0;
    running.stdout.on('data', (chunk: Buffer) => {
      if (size < keep) chunks.push(chunk.subarray(0, keep - size));
      size += chunk.length;
    });
    running.stdin.end(input);
    const result = await running.ended;
    this.mustBeStarted(command, result);
    return { ...result, stdout: Buffer.concat(chunks), cut: size > keep };
  }

  private async launch(
    launcher: Launcher,
    command: GitCommand,
    input: Buffer,
    { signal, keepOutput }: BriefOptions,
  ): Promise<BriefResult> {
    signal?.throwIfAborted();
    const { observer } = this.options;
    const began = performance.now();
    const grant = this.shares.take(command);
    const launched = launcher.launch({
      ...this.programOf(command, grant),
      input,
      niceness: command.niceness ?? 0,
      keepOutput: keepOutput ?? OUTPUT_KEPT,
      keepErrors: STDERR_KEPT,
    });
    observer?.started(command.name);
    let cancelled = false;
    let killTimer: NodeJS.Timeout | undefined;
    const stop = () => {
      if (cancelled) return;
      cancelled = true;
      launched.kill('SIGTERM');
      killTimer = setTimeout(() => launched.kill('SIGKILL'), KILL_AFTER_MS);
    };
    signal?.addEventListener('abort', stop, { once: true });
    const running = { stop, ended: launched.ended.catch(() => undefined) };
    this.alive.add(running);
    let ok = false;
    try {
      const { exitCode, signal: by, stdout, stderr, cut } = await launched.ended;
      ok = exitCode === 0;
      const output = Buffer.from(stdout);
      const result = { exitCode, signal: by, cancelled, stderr: Buffer.from(stderr).toString('utf8') };
      this.mustBeStarted(command, result);
      return { ...result, stdout: output, cut };
    } catch (error) {
      throw error instanceof NotStarted ? error : this.notStarted(command, error);
    } finally {
      grant.release();
      clearTimeout(killTimer);
      signal?.removeEventListener('abort', stop);
      this.alive.delete(running);
      observer?.ended(command.name, (performance.now() - began) / 1000, ok);
    }
  }

  /** Ends every process still alive and waits for them. */
  async close(): Promise<void> {
    const all = [...this.alive];
    for (const process of all) process.stop();
    await Promise.all(all.map((process) => process.ended));
    await this.options.launcher?.close();
  }
}

class NotStarted extends CairnError {
  constructor(message: string, cause: unknown) {
    super('unavailable', message, { cause, publicText: 'git could not be started' });
  }
}

/**
 * Writes what a process reads. One that does not read all of it is no error of ours: its exit code tells.
 * @returns what `input` threw, if it did; the process is ended then
 */
function feed(
  process: Pick<RunningGit, 'stdin' | 'stop'>,
  input: string | Uint8Array | AsyncIterable<Uint8Array>,
): Promise<{ readonly error: unknown } | undefined> {
  if (typeof input === 'string' || input instanceof Uint8Array) {
    process.stdin.end(input);
    return Promise.resolve(undefined);
  }
  let trouble: { readonly error: unknown } | undefined;
  const source = async function* () {
    // A pipe that broke is thrown where a piece was handed over; what `input` throws, elsewhere.
    let isHandedOver = false;
    try {
      for await (const piece of input) {
        isHandedOver = true;
        yield piece;
        isHandedOver = false;
      }
    } catch (error) {
      if (isHandedOver) return;
      trouble = { error };
      process.stop();
    }
  };
  return pipeline(Readable.from(source(), { objectMode: false }), process.stdin)
    .catch(() => undefined)
    .then(() => trouble);
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: the group has ended by itself, which is what was wanted.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Lowers the priority of a process, which its threads and children inherit. One that is over already needs none. */
function standBack(pid: number, niceness: number): void {
  try {
    setPriority(pid, niceness);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

/** Remembers the end of a stream while others read it too. */
function keepTail(stream: Readable): () => string {
  let tail = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]);
    if (tail.length > STDERR_KEPT) tail = tail.subarray(tail.length - STDERR_KEPT);
  });
  return () => tail.toString('utf8');
}
