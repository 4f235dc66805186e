/**
 * What the launcher does, in a process of its own. It gets there as text (`node --eval`), so that it runs alike from sources
 * and from the build: it may use nothing but its arguments and what Node has for everybody.
 */
import type { spawn } from 'node:child_process';
import type { setPriority } from 'node:os';

/** A process to be run to its end. */
export interface LaunchRequest {
  readonly id: number;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input: Uint8Array;
  /** How far it stands back for others (nice(2)); 0 for what somebody waits for. */
  readonly niceness: number;
  /** Bytes of standard output to be told; what comes after them is read and dropped. */
  readonly keepOutput: number;
  /** Bytes from the end of standard error to be told. */
  readonly keepErrors: number;
}

/** A signal for a process, and its group, that was asked for. */
export interface LaunchSignal {
  readonly id: number;
  readonly kill: 'SIGTERM' | 'SIGKILL';
}

/** How it ended. */
export type LaunchReply =
  | {
      readonly id: number;
      readonly exitCode: number | null;
      readonly signal: NodeJS.Signals | null;
      readonly stdout: Uint8Array;
      /** True when there was more on standard output than is told. */
      readonly cut: boolean;
      readonly stderr: Uint8Array;
    }
  | { readonly id: number; readonly failed: string };

export interface LauncherHost {
  readonly spawn: typeof spawn;
  readonly setPriority: typeof setPriority;
  readonly process: NodeJS.Process;
}

export function launcherProgram({ spawn, setPriority, process }: LauncherHost): void {
  const alive = new Map<number, number>();
  const reply = (message: LaunchReply) => process.send?.(message);
  const kill = (pid: number, signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch {
      // The group has ended by itself, which is what was wanted.
    }
  };

  const standBack = (pid: number, niceness: number) => {
    try {
      setPriority(pid, niceness);
    } catch {
      // It has ended already, and needs no processor any more.
    }
  };

  function launch(request: LaunchRequest): void {
    const { id, file, args, env, input, niceness, keepOutput, keepErrors } = request;
    const child = spawn(file, args, { env, detached: true, stdio: 'pipe' });
    child.once('error', (error) => {
      // It also tells of signals that found nobody; only a process that never was is a failure.
      if (child.pid === undefined) reply({ id, failed: error.message });
    });
    if (child.pid === undefined) return;
    alive.set(id, child.pid);
    if (niceness > 0) standBack(child.pid, niceness);
    const output: Buffer[] = [];
    let kept = 0;
    let cut = false;
    child.stdout.on('data', (chunk: Buffer) => {
      cut ||= kept + chunk.length > keepOutput;
      if (kept < keepOutput) output.push(chunk.subarray(0, keepOutput - kept));
      kept = Math.min(keepOutput, kept + chunk.length);
    });
    let errors = Buffer.alloc(0);
    child.stderr.on('data', (chunk: Buffer) => {
      errors = Buffer.concat([errors, chunk]);
      errors = errors.subarray(Math.max(0, errors.length - keepErrors));
    });
    // One that exits without reading all of its input is no error: its exit code tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('close', (exitCode, signal) => {
      alive.delete(id);
      reply({ id, exitCode, signal, stdout: Buffer.concat(output), cut, stderr: errors });
    });
  }

  process.on('message', (message: LaunchRequest | LaunchSignal) => {
    if (!('kill' in message)) {
      try {
        launch(message);
      } catch (error) {
        reply({ id: message.id, failed: error instanceof Error ? error.message : String(error) });
      }
      return;
    }
    const pid = alive.get(message.id);
    if (pid !== undefined) kill(pid, message.kill);
  });
  process.on('disconnect', () => {
    // The server has ended, or wants no more: nobody waits for what is left.
    for (const pid of alive.values()) kill(pid, 'SIGKILL');
    process.exit(0);
  });
  // Meant for the server, which decides when to end; from a terminal they reach the whole group.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
}
