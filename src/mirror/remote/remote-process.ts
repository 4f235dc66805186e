/** A program that speaks git's protocol on its standard input and output: `ssh`, or git itself. */
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { cleanReason } from '../../git/index.ts';
import { withoutSequences } from '../../lib/control-sequences.ts';
import { messageOf } from '../../lib/errors.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { saferReason } from '../../outbound/safer-text.ts';
import { isProgress } from './remote-messages.ts';

export interface ProgramToRun {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether it gets a process group of its own, all of which is ended then. */
  readonly ownGroup: boolean;
}

export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of standard error. */
  readonly stderr: string;
}

/** Milliseconds between SIGTERM and SIGKILL. */
const KILL_AFTER_MS = 2_000;
/** Bytes of standard error that are kept: its end says what went wrong. */
const STDERR_KEPT = 16 * 1024;

export class RemoteProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves when the process has ended and its streams are closed. It never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Whether it has ended. */
  over = false;
  /** Of the process, or negative of its group. */
  private readonly pid: number | undefined;
  private killTimer: NodeJS.Timeout | undefined;

  /**
   * Starts a program.
   * @param onMessage is called with each line on standard error, without control characters
   * @param redact takes secrets out of what is written on standard error
   */
  constructor(program: ProgramToRun, onMessage: (line: string) => void, redact: (text: string) => string) {
    const { file, args, env, ownGroup } = program;
    const child = spawn(file, args, { env, detached: ownGroup, stdio: 'pipe' });
    this.stdin = child.stdin;
    this.stdout = child.stdout;
    this.pid = child.pid === undefined || !ownGroup ? child.pid : -child.pid;
    // A process may end before it has read all of its input; how it ended says why.
    child.stdin.on('error', () => undefined);
    let failure: Error | undefined;
    child.on('error', (error) => {
      failure = error;
    });
    let stderr = '';
    const lines = new LineSplitter(onMessage, redact);
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      stderr = `${stderr}${text}`.slice(-STDERR_KEPT);
      lines.push(text);
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (exitCode, signal) => {
        this.over = true;
        lines.push('\n');
        clearTimeout(this.killTimer);
        const said = failure === undefined ? withoutSequences(stderr) : messageOf(failure);
        resolve({ exitCode, signal, stderr: redact(said) });
      });
    });
  }

  /** Ends the process and its children: with SIGTERM, and after two seconds with SIGKILL. */
  stop(): void {
    if (this.over || this.killTimer !== undefined || this.pid === undefined) return;
    const { pid } = this;
    kill(pid, 'SIGTERM');
    this.killTimer = setTimeout(() => kill(pid, 'SIGKILL'), KILL_AFTER_MS);
  }
}

/** A longer line is cut into several. */
const LONGEST_LINE = 4_096;

/** Cuts a text into lines that are safe for a terminal. */
class LineSplitter {
  private readonly onLine: (line: string) => void;
  private readonly redact: (text: string) => string;
  private rest = '';

  constructor(onLine: (line: string) => void, redact: (text: string) => string) {
    this.onLine = onLine;
    this.redact = redact;
  }

  push(text: string): void {
    const lines = `${this.rest}${text}`.split(/[\r\n]/);
    const last = lines.pop() ?? '';
    this.rest = last.length > LONGEST_LINE ? '' : last;
    if (this.rest !== last) lines.push(last);
    for (const line of lines) {
      if (line.trim() !== '') this.onLine(saferReason(line, this.redact, LONGEST_LINE));
    }
  }
}

/** The error of a process that ended although more was expected of it. */
export function endedTooEarly(name: string, where: string, end: ProcessEnd, sent?: number): RemoteError {
  const lines = end.stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '' && !isProgress(line));
  const errors = lines.filter((line) => !line.startsWith('warning: '));
  const said = (errors.length > 0 ? errors : lines).slice(-5).map((line) => cleanReason(line, 300));
  const how = end.signal === null ? `exit code ${end.exitCode}` : `signal ${end.signal}`;
  const kind = kindOf(end.stderr);
  const words = said.length === 0 ? `${name} ended with ${how}` : said.join('; ');
  return new RemoteError(kind, `${where}: ${words}`, {
    ...(end.exitCode === null ? {} : { exitCode: end.exitCode }),
    ...(kind === 'unavailable' && sent !== undefined ? { brokenOff: true, sent } : {}),
  });
}

function kindOf(stderr: string): 'not-found' | 'unauthenticated' | 'forbidden' | 'unavailable' {
  if (/permission denied \(|host key verification failed|no supported authentication/i.test(stderr)) {
    return 'unauthenticated';
  }
  if (
    /does not appear to be a git repository|repository .{0,200}not found|not a git repository|invalid gitfile format|no such file/i.test(
      stderr,
    )
  ) {
    return 'not-found';
  }
  if (/permission|access denied|not allowed|dubious ownership/i.test(stderr)) return 'forbidden';
  return 'unavailable';
}

function kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
