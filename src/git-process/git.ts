import type { Readable, Writable } from 'node:stream';
import { CairnError, messageOf } from '../lib/errors.ts';
import type { GitCommand } from './commands.ts';
import { openDeepInput } from './deep-input.ts';
import { gitEnvironment } from './environment.ts';
import { gatherThreads } from './gather-threads.ts';
import { withLastArgument } from './last-argument.ts';
import type { Launcher } from './launcher.ts';
import { isNotStarted, limitMemory } from './memory-limit.ts';
import { type Grant, MemoryShares, type SharesOptions } from './memory-shares.ts';
import { type PipedChild, startPiped, type WholeProgram } from './piped-process.ts';
import { processorTime } from './processor-time.ts';
import { type GitResult, tailText } from './result.ts';
import { standBack } from './stand-back.ts';
import { writeInput } from './write-input.ts';

/** Is told of every process that starts and ends; for metrics, and for tests that count. */
export interface GitObserver {
  started(name: string): void;
  ended(name: string, seconds: number, ok: boolean): void;
}

export interface GitOptions {
  /** The git to run; a name is looked up in PATH. */
  readonly binary: string;
  /** A folder that holds no configuration. */
  readonly home: string;
  /** Memory limit of each process in bytes (see `memory-limit.ts`); absent for no limit. */
  readonly memory?: number;
  /** Bound of all processes together, in shares of `memory`; absent for no bound. */
  readonly shares?: SharesOptions;
  readonly observer?: GitObserver;
  /** Starts the processes of {@link Git.brief}; without it the server starts them itself. Whoever made it closes it. */
  readonly launcher?: Launcher;
}

/** The result of {@link Git.brief}. */
export interface BriefResult extends GitResult {
  /** The beginning of standard output. */
  readonly stdout: Buffer;
  /** True if there was more output. */
  readonly cut: boolean;
}

export interface BriefOptions {
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Bytes of standard output to keep (default 64 KiB). The rest is dropped. */
  readonly keepOutput?: number;
  /** Ends git when it has printed more than that. */
  readonly stopWhenCut?: true;
}

/** A running git process with open streams. */
export interface RunningGit {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process has ended and its streams are closed. It never rejects. */
  readonly ended: Promise<GitResult>;
  /** Ends the process and its children: with SIGTERM, and after two seconds with SIGKILL. */
  stop(): void;
  /** Seconds of the processor that the process has used, without its children; undefined where the system does not tell. */
  processorTime(): number | undefined;
  /**
   * Has its threads share a processor while they mostly wait for each other (see `gather-threads.ts`).
   * @param release aborted when they may have all processors again; without it, not before the process ends
   */
  gatherThreads(release?: AbortSignal): Promise<void>;
}

const STDERR_KEPT = 16 * 1024;
const KILL_AFTER_MS = 2_000;
const OUTPUT_KEPT = 64 * 1024;

/** Maximum input in bytes that {@link Git.brief} sends through the launcher. For more, the server starts git itself. */
export const briefInput = 1024 * 1024;

/** Starts git processes, all with the allow-listed environment, and keeps track of those alive. */
export class Git {
  private readonly options: GitOptions;
  private readonly alive = new Set<{ readonly ended: Promise<unknown>; stop(): void }>();
  private readonly shares: MemoryShares;
  private readonly others: Git[] = [];

  constructor(options: GitOptions) {
    this.options = options;
    this.shares = new MemoryShares(options.memory ?? Number.POSITIVE_INFINITY, options.shares);
  }

  /** Number of git processes alive now, without git's own children. */
  get running(): number {
    return this.others.reduce((sum, other) => sum + other.running, this.alive.size);
  }

  /**
   * The same git with shares of its own: its processes take none of the others' memory. It is closed with this one.
   * @param shares ignored if this git has no bound
   */
  beside(shares: SharesOptions): Git {
    const { shares: own, ...options } = this.options;
    const other = new Git({ ...options, ...(own === undefined ? {} : { shares }) });
    this.others.push(other);
    return other;
  }

  /**
   * Starts a command with open streams. The caller must read or destroy `stdout`.
   * @throws CairnError `unavailable` if the process cannot be started, `busy` if no memory is left for it; the signal's
   *   reason if it is already aborted, because starting a process costs more than most of them run
   */
  start(command: GitCommand, options: { readonly signal?: AbortSignal } = {}): RunningGit {
    return this.begin(command, options.signal, startPiped);
  }

  /** As {@link start}, for a command that is given megabytes, so that it need not wait for each piece (see `deep-input.ts`). */
  async startFed(command: GitCommand, options: { readonly signal?: AbortSignal } = {}): Promise<RunningGit> {
    const input = await openDeepInput();
    if (input === undefined) return this.start(command, options);
    try {
      return this.begin(command, options.signal, (program) => startPiped(program, input));
    } catch (error) {
      input.near.destroy();
      throw error;
    } finally {
      input.far.destroy();
    }
  }

  private begin(
    command: GitCommand,
    signal: AbortSignal | undefined,
    startChild: (program: WholeProgram) => PipedChild,
  ): RunningGit {
    signal?.throwIfAborted();
    const began = performance.now();
    const grant = this.shares.take(command);
    const child = this.startChild(command, grant, startChild);
    const { stdin, stdout, stderr, pid } = child;
    if (pid === undefined) {
      grant.release();
      // An undefined pid already signals the failure; without a listener the 'error' event would crash the server.
      child.on('error', () => undefined);
      throw this.notStarted(command, undefined);
    }
    this.options.observer?.started(command.name);

    let cancelled = false;
    let over = false;
    const ending = new AbortController();
    let killTimer: NodeJS.Timeout | undefined;
    const stop = () => {
      // After the process has ended, its id may belong to another process.
      if (cancelled || over) return;
      cancelled = true;
      killGroup(pid, 'SIGTERM');
      killTimer = setTimeout(() => killGroup(pid, 'SIGKILL'), KILL_AFTER_MS);
    };
    // A process may exit before it has read all input. Its exit code tells whether that is an error.
    stdin.on('error', () => undefined);
    const kept = keepTail(stderr);
    signal?.addEventListener('abort', stop, { once: true });

    const ended = new Promise<GitResult>((resolve) => {
      child.once('close', (exitCode, endedBy) => {
        over = true;
        ending.abort();
        grant.release();
        clearTimeout(killTimer);
        signal?.removeEventListener('abort', stop);
        this.alive.delete(running);
        this.options.observer?.ended(command.name, (performance.now() - began) / 1000, exitCode === 0);
        resolve({ exitCode, signal: endedBy, cancelled, stderr: kept() });
      });
    });
    const time = () => (over ? undefined : processorTime(pid));
    const running: RunningGit = {
      stdin,
      stdout,
      stderr,
      ended,
      stop,
      processorTime: time,
      gatherThreads: (release) =>
        gatherThreads(pid, { over: ending.signal, ...(release === undefined ? {} : { release }) }),
    };
    this.alive.add(running);
    if (command.niceness !== undefined) standBack(pid, command, () => over);
    return running;
  }

  private startChild(
    command: GitCommand,
    grant: Grant,
    startChild: (program: WholeProgram) => PipedChild,
  ): PipedChild {
    try {
      return startChild(this.programOf(command, grant));
    } catch (error) {
      grant.release();
      throw this.notStarted(command, error);
    }
  }

  /** The program to start for a command, with the memory that was granted to it. */
  private programOf(command: GitCommand, { times }: Grant): WholeProgram {
    const { binary, home, memory: share } = this.options;
    const { name, args, config, variables, memoryPart = 1 } = command;
    const memory = share === undefined ? undefined : share * times;
    const env = gitEnvironment({
      home,
      ...(memory === undefined ? {} : { memory }),
      ...(config === undefined ? {} : { config }),
      ...(variables === undefined ? {} : { variables }),
    });
    const most = memory === undefined ? undefined : memory * memoryPart;
    const program = withLastArgument({ file: binary, args: [name, ...args] }, command.path);
    return { ...limitMemory(most, program), env };
  }

  private notStarted(command: GitCommand, cause: unknown): CairnError {
    return new NotStarted(`git could not be started (${this.options.binary} ${command.name})`, cause);
  }

  /** With a memory limit, the shell that sets it reports that git could not be started. */
  private mustBeStarted(command: GitCommand, result: GitResult): void {
    if (this.options.memory !== undefined && isNotStarted(result))
      throw this.notStarted(command, result.stderr);
  }

  /**
   * Runs a command to its end: writes `input`, collects standard output.
   * @throws CairnError `unavailable` if it cannot be started, or prints more than `maxOutput` bytes (default 64 MiB); what
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
    // Loaded when it is needed: execa takes a third of the time in which a command starts that runs no git.
    const { startBounded } = await import('./bounded-process.ts');
    const maxOutput = options.maxOutput ?? 64 * 1024 * 1024;
    let output: Promise<Buffer | undefined> | undefined;
    const process = this.begin(command, options.signal, ({ env, ...program }) => {
      const bounded = startBounded(program, env, maxOutput);
      output = bounded.output;
      return bounded.child;
    });
    const writing = writeInput(process, options.input ?? '');
    process.stderr.resume();
    let size = 0;
    let readError: unknown;
    process.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxOutput) process.stop();
    });
    process.stdout.once('error', (error) => {
      readError = error;
      process.stop();
    });
    const result = await process.ended;
    const stdout = await output;
    const inputFailure = await writing;
    if (inputFailure !== undefined) throw inputFailure.error;
    if (size > maxOutput || stdout === undefined) {
      throw new CairnError('unavailable', `git ${command.name} printed more than ${maxOutput} bytes`);
    }
    if (readError !== undefined) {
      throw new CairnError(
        'unavailable',
        `the output of git ${command.name} could not be read: ${messageOf(readError)}`,
        { cause: readError },
      );
    }
    this.mustBeStarted(command, result);
    return { ...result, stdout };
  }

  /**
   * Runs a command with little input to its end and keeps the beginning of its output. Use it for commands that requests
   * wait for: the launcher starts them, which blocks the server for less time (see {@link Launcher}).
   * @throws CairnError `unavailable` if it cannot be started; the signal's reason if it is already aborted
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
      if (size > keep && options.stopWhenCut === true) running.stop();
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
    { signal, keepOutput, stopWhenCut }: BriefOptions,
  ): Promise<BriefResult> {
    signal?.throwIfAborted();
    const { observer } = this.options;
    const began = performance.now();
    const grant = this.shares.take(command);
    const launched = launcher.launch({
      ...this.programOf(command, grant),
      input,
      niceness: command.niceness ?? 0,
      standsBackAsSession: command.standsBackAsSession === true,
      keepOutput: keepOutput ?? OUTPUT_KEPT,
      stopWhenCut: stopWhenCut === true,
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
      const result = { exitCode, signal: by, cancelled, stderr: tailText(Buffer.from(stderr), STDERR_KEPT) };
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

  /** Ends all processes that are alive and waits for them. The launcher stays: others may use it. */
  async close(): Promise<void> {
    await Promise.all([this, ...this.others].map((git) => git.stopAll()));
  }

  private async stopAll(): Promise<void> {
    const all = [...this.alive];
    for (const process of all) process.stop();
    await Promise.all(all.map((process) => process.ended));
  }
}

class NotStarted extends CairnError {
  constructor(message: string, cause: unknown) {
    super('unavailable', message, { cause, publicText: 'git could not be started' });
  }
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: the group has already ended.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Remembers the end of a stream while others read it too. */
function keepTail(stream: Readable): () => string {
  let tail = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]);
    if (tail.length > STDERR_KEPT) tail = tail.subarray(tail.length - STDERR_KEPT);
  });
  return () => tailText(tail, STDERR_KEPT);
}
