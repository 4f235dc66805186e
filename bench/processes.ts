import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { CairnError, systemCode } from '../src/lib/errors.ts';

/**
 * Every process of a benchmark is started here, as the leader of its own process group, so that
 * one kill reaches its children too and nothing outlives the run, whatever ends it.
 */
const groups = new Set<number>();

/** Kills every process group still alive. Safe in an exit handler: it does not wait. */
export function killEverything(): void {
  for (const pid of groups) killGroup(pid, 'SIGKILL');
  groups.clear();
}

/** Kills every process group and waits, 5 s at most, until the last process has gone. */
export async function endEverything(): Promise<void> {
  const killed = [...groups];
  killEverything();
  for (let tries = 0; tries < 250 && killed.some((pid) => !killGroup(pid, 'SIGKILL')); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a command as a group leader; the group is forgotten when the leader has ended. */
export function start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true });
  const { pid } = child;
  if (pid !== undefined) {
    groups.add(pid);
    child.once('exit', () => groups.delete(pid));
  }
  return child;
}

/** What {@link run} gives to the command and takes from it. */
export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Chunks for the command's standard input, written with back-pressure; closed when they end. */
  readonly input?: Iterable<string | Buffer>;
}

/** The standard output of a finished command, and how long it ran. */
export interface RunResult {
  readonly stdout: string;
  readonly seconds: number;
}

/** Runs a command to its end. Throws with its standard error when it exits with anything but 0. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const began = performance.now();
  const child = start(command, args, { env: options.env, cwd: options.cwd, stdio: 'pipe' });
  const ended = exitOf(child, command);
  const [code, stdout, stderr] = await Promise.all([
    ended,
    textOf(child.stdout),
    textOf(child.stderr),
    feed(child, options.input ?? []),
  ]);
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) {
    throw new CairnError('unavailable', `${command} ${args.join(' ')} failed (${code}): ${stderr.trim()}`);
  }
  return { stdout, seconds };
}

/** A server of the benchmark: a long-lived process whose output goes to a log file. */
export interface Service {
  readonly pid: number;
  /** The part of its output that made it count as ready. */
  readonly ready: RegExpExecArray;
  /** Ends it softly, after 5 s hard, and waits for that. */
  stop(): Promise<void>;
}

/**
 * Starts a server and waits until its log matches `ready` (60 s at most). It writes to the file itself,
 * so that its output costs this process nothing. Throws with the end of the log when it does not get ready.
 */
export async function startService(
  command: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; log: string; ready: RegExp },
): Promise<Service> {
  const log = await open(options.log, 'a');
  const child = start(command, args, { env: options.env, stdio: ['ignore', log.fd, log.fd] });
  const ended = exitOf(child, command);
  await log.close();
  const { pid } = child;
  if (pid === undefined) throw new CairnError('unavailable', `${command} ended with ${await ended}`);

  let code: number | undefined;
  const noted = ended.then((value) => {
    code = value;
  });
  const deadline = performance.now() + 60_000;
  let ready: RegExpExecArray | null = null;
  while (ready === null) {
    const text = await readFile(options.log, 'utf8');
    ready = options.ready.exec(text);
    if (ready !== null) break;
    const failure = code !== undefined ? `ended with ${code}` : 'was not ready after 60 s';
    if (code !== undefined || performance.now() > deadline) {
      killGroup(pid, 'SIGKILL');
      await noted;
      throw new CairnError('unavailable', `${command} ${failure}: ${text.slice(-2000).trim()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    pid,
    ready,
    async stop() {
      killGroup(pid, 'SIGTERM');
      const hard = setTimeout(() => killGroup(pid, 'SIGKILL'), 5_000);
      await noted;
      clearTimeout(hard);
      killGroup(pid, 'SIGKILL');
    },
  };
}

/** Signals a group; true when there is nobody left to signal. */
function killGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal);
    return false;
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return true;
    throw error;
  }
}

/** The exit code (128 for a signal); rejects only when the command could not be launched. */
function exitOf(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new CairnError('unavailable', `cannot start ${command}`, { cause: error })),
    );
    child.once('close', (code) => resolve(code ?? 128));
  });
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  const chunks: Buffer[] = [];
  if (stream !== null) for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

async function feed(child: ChildProcess, input: Iterable<string | Buffer>): Promise<void> {
  if (child.stdin === null) return;
  try {
    await pipeline(input, child.stdin);
  } catch (error) {
    // EPIPE: the command ended without reading all of it; its exit code and standard error say why.
    if (systemCode(error) !== 'EPIPE') throw error;
  }
}
