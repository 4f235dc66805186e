import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { CairnError } from '../lib/errors.ts';
import { type LaunchReply, type LaunchRequest, launcherProgram } from './launcher-program.ts';

/** The result of a launched process. */
export type Launched = Extract<LaunchReply, { readonly exitCode: number | null }>;

export interface LaunchedProcess {
  /** Rejects with CairnError `unavailable` if the process cannot be started, or the launcher ends before it. */
  readonly ended: Promise<Launched>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

interface Waiting {
  resolve(launched: Launched): void;
  reject(error: unknown): void;
}

/** They keep the heap of the launcher small, and so the memory tables that each fork has to copy. */
const NODE_FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=1'];

/**
 * A small process that starts other processes. To start one, Node forks, and the kernel copies the page tables of the whole
 * process. In a server of 200 MiB that blocks the event loop for 10 ms or more. In the launcher it takes about 1 ms, and the
 * server is not blocked.
 *
 * It is for processes with little input and output: each is sent in one message.
 */
export class Launcher {
  private readonly waiting = new Map<number, Waiting>();
  private child: ChildProcess | undefined;
  private closed = false;
  private last = 0;

  /** Starts the launcher; returns at once. */
  open(): void {
    if (!this.closed) this.child ??= this.start();
  }

  /** Whether the launcher can be used now. If it has ended, it is started again for later calls. */
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
      if (child?.connected !== true) sent(new Error('the launcher is not running'));
      else child.send({ id, ...request }, sent);
    });
    const kill = (signal: 'SIGTERM' | 'SIGKILL') => {
      if (this.waiting.has(id) && child?.connected === true)
        child.send({ id, kill: signal }, () => undefined);
    };
    return { ended, kill };
  }

  /** Ends the launcher and the processes it has started. */
  async close(): Promise<void> {
    this.closed = true;
    const { child } = this;
    if (child === undefined) return;
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    if (child.connected) child.disconnect();
    await exited;
  }

  private start(): ChildProcess {
    const modules = ['child_process', 'fs', 'os'].map((name) => `...require('node:${name}')`);
    const host = `{ ${modules.join(', ')}, process }`;
    const program = `(${launcherProgram})(${host})`;
    const child = spawn(process.execPath, [...NODE_FLAGS, '--eval', program], {
      env: { PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    // The launcher does not keep the server alive.
    child.unref();
    child.channel?.unref();
    child.on('message', (message) => this.onReply(message as LaunchReply));
    const gone = (error?: unknown) => {
      if (this.child === child) this.child = undefined;
      for (const id of [...this.waiting.keys()]) this.settle(id, (waiting) => waiting.reject(lost(error)));
    };
    child.once('error', gone);
    child.once('exit', () => gone());
    return child;
  }

  private onReply(message: LaunchReply): void {
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
