import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { CairnError } from '../lib/errors.ts';
import { type LaunchReply, type LaunchRequest, launcherProgram } from './launcher-program.ts';

/** How a launched process ended. */
export type Launched = Extract<LaunchReply, { readonly exitCode: number | null }>;

export interface LaunchedProcess {
  /** Rejects with CairnError `unavailable` when it cannot be started, or is not heard of any more. */
  readonly ended: Promise<Launched>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

interface Waiting {
  resolve(launched: Launched): void;
  reject(error: unknown): void;
}

/** Its heap stays small, and with it what each start has to copy. */
const NODE_FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=1'];

/**
 * A small process that starts others. To start one, Node forks, and the kernel then copies the tables of all memory the process has:
 * from a server of 200 MiB that takes 10 ms or more in which nothing is answered, from this one about 1 ms, elsewhere.
 *
 * For processes with little input and output, both of which travel in one message each.
 */
export class Launcher {
  private readonly waiting = new Map<number, Waiting>();
  private child: ChildProcess | undefined;
  private closed = false;
  private last = 0;

  /** Starts the process; returns at once. */
  open(): void {
    if (!this.closed) this.child ??= this.start();
  }

  /** Whether it can be used now. One that has ended, for whatever reason, is started again for the next. */
  get ready(): boolean {
    if (this.child === undefined) this.open();
    return this.child?.connected === true;
  }

  launch(request: Omit<LaunchRequest, 'id'>): LaunchedProcess {
    const id = ++this.last;
    const { child } = this;
    const ended = new Promise<Launched>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      const sent = (error: Error | null) => {
        if (error !== null) this.settle(id, (waiting) => waiting.reject(lost(error)));
      };
      if (child?.connected !== true) sent(new Error('it is not there'));
      else child.send({ id, ...request }, sent);
    });
    const kill = (signal: 'SIGTERM' | 'SIGKILL') => {
      if (this.waiting.has(id) && child?.connected === true)
        child.send({ id, kill: signal }, () => undefined);
    };
    return { ended, kill };
  }

  /** Ends it, and what it has started. */
  async close(): Promise<void> {
    this.closed = true;
    const { child } = this;
    if (child === undefined) return;
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    if (child.connected) child.disconnect();
    await exited;
  }

  private start(): ChildProcess {
    const host = "{ ...require('node:child_process'), ...require('node:os'), process }";
    const program = `(${launcherProgram})(${host})`;
    const child = spawn(process.execPath, [...NODE_FLAGS, '--eval', program], {
      env: { PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    // It does not keep the server alive.
    child.unref();
    child.channel?.unref();
    child.on('message', (message) => this.heard(message as LaunchReply));
    const gone = (error?: unknown) => {
      if (this.child === child) this.child = undefined;
      for (const id of [...this.waiting.keys()]) this.settle(id, (waiting) => waiting.reject(lost(error)));
    };
    child.once('error', gone);
    child.once('exit', () => gone());
    return child;
  }

  private heard(message: LaunchReply): void {
    this.settle(message.id, (waiting) => {
      if ('failed' in message) waiting.reject(new CairnError('unavailable', message.failed));
      else waiting.resolve(message);
    });
  }

  private settle(id: number, how: (waiting: Waiting) => void): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (waiting !== undefined) how(waiting);
  }
}

function lost(cause: unknown): CairnError {
  return new CairnError('unavailable', 'the process that starts git has ended', { cause });
}
