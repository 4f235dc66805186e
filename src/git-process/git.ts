import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { CairnError, messageOf, systemCode } from '../lib/errors.ts';
import type { GitCommand } from './commands.ts';
import { gitEnvironment } from './environment.ts';
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
  readonly observer?: GitObserver;
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

/** Starts git processes, all with the allow-listed environment, and knows which are alive. */
export class Git {
  private readonly options: GitOptions;
  private readonly alive = new Set<RunningGit>();

  constructor(options: GitOptions) {
    this.options = options;
  }

  /** Number of git processes alive now (children of git not counted). */
  get running(): number {
    return this.alive.size;
  }

  /**
   * Starts a command with open streams. The caller reads or destroys `stdout`.
   * @throws CairnError `unavailable` when the process cannot be started; the signal's reason when it is aborted already:
   *   a process costs more to start than most of them run
   */
  start(command: GitCommand, options: { readonly signal?: AbortSignal } = {}): RunningGit {
    options.signal?.throwIfAborted();
    const began = performance.now();
    const child = this.spawnGit(command);
    const { stdin, stdout, stderr, pid } = child;
    if (pid === undefined) {
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

  private spawnGit(command: GitCommand): ChildProcessWithoutNullStreams {
    try {
      return spawn(this.options.binary, [command.name, ...command.args], {
        env: gitEnvironment({
          home: this.options.home,
          ...(command.config === undefined ? {} : { config: command.config }),
          ...(command.variables === undefined ? {} : { variables: command.variables }),
        }),
        // A group of its own: upload-pack's pack-objects dies with it, and Ctrl-C at the server reaches neither.
        detached: true,
        stdio: 'pipe',
      });
    } catch (error) {
      throw this.notStarted(command, error);
    }
  }

  private notStarted(command: GitCommand, cause: unknown): CairnError {
    return new CairnError(
      'unavailable',
      `git could not be started (${this.options.binary} ${command.name})`,
      {
        cause,
      },
    );
  }

  /**
   * Runs a command to its end: writes `input`, collects standard output.
   * @throws CairnError `unavailable` when it cannot be started, or prints more than `maxOutput` bytes (default 64 MiB)
   */
  async run(
    command: GitCommand,
    options: {
      readonly input?: string | Uint8Array;
      readonly signal?: AbortSignal;
      readonly maxOutput?: number;
    } = {},
  ): Promise<GitResult & { readonly stdout: Buffer }> {
    const process = this.start(command, options.signal === undefined ? {} : { signal: options.signal });
    const maxOutput = options.maxOutput ?? 64 * 1024 * 1024;
    process.stdin.end(options.input ?? '');
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
    if (trouble !== undefined && !result.cancelled) {
      throw new CairnError('unavailable', `git ${command.name} could not be read: ${messageOf(trouble)}`, {
        cause: trouble,
      });
    }
    if (trouble instanceof CairnError) throw trouble;
    return { ...result, stdout: Buffer.concat(chunks) };
  }

  /** Ends every process still alive and waits for them. */
  async close(): Promise<void> {
    const all = [...this.alive];
    for (const process of all) process.stop();
    await Promise.all(all.map((process) => process.ended));
  }
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
