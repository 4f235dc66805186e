/**
 * The program of the launcher, which runs in a separate process. It is passed as text (`node --eval`), so that it works from
 * sources and from the build. So it may use only its arguments and Node's globals, and no import.
 */
import type { spawn } from 'node:child_process';
import type { writeFileSync } from 'node:fs';
import type { setPriority } from 'node:os';

/** A process to run to its end. */
export interface LaunchRequest {
  readonly id: number;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input: Uint8Array;
  /** Niceness of the process (nice(2)); 0 for normal priority. */
  readonly niceness: number;
  /** Whether its session gets the niceness, too. */
  readonly standsBackAsSession: boolean;
  /** Bytes of standard output to return; the rest is read and dropped. */
  readonly keepOutput: number;
  /** Whether to end the process when it has printed more than that. */
  readonly stopWhenCut: boolean;
  /** Bytes to return from the end of standard error. */
  readonly keepErrors: number;
}

/** A signal to send to a launched process and its group. */
export interface LaunchSignal {
  readonly id: number;
  readonly kill: 'SIGTERM' | 'SIGKILL';
}

/** The result of a launched process, or why it failed to start. */
export type LaunchReply =
  | {
      readonly id: number;
      readonly exitCode: number | null;
      readonly signal: NodeJS.Signals | null;
      readonly stdout: Uint8Array;
      /** True if there was more standard output than is returned. */
      readonly cut: boolean;
      readonly stderr: Uint8Array;
    }
  | { readonly id: number; readonly failed: string };

export interface LauncherHost {
  readonly spawn: typeof spawn;
  readonly setPriority: typeof setPriority;
  readonly writeFileSync: typeof writeFileSync;
  readonly process: NodeJS.Process;
}

export function launcherProgram(host: LauncherHost): void {
  const { spawn, setPriority, writeFileSync, process } = host;
  const alive = new Map<number, number>();
  const reply = (message: LaunchReply) => process.send?.(message);
  const kill = (pid: number, signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch {
      // The group has already ended.
    }
  };

  // See `stand-back.ts`, which does the same for processes that this one does not start.
  const standBackAsGroup = (id: number, pid: number, niceness: number) => {
    if (alive.get(id) !== pid) return;
    try {
      writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
    } catch (error) {
      const again = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      if (again) setTimeout(standBackAsGroup, 150, id, pid, niceness);
    }
  };

  const standBack = (pid: number, { id, niceness, standsBackAsSession }: LaunchRequest) => {
    try {
      setPriority(pid, niceness);
      if (standsBackAsSession) standBackAsGroup(id, pid, niceness);
    } catch {
      // The process has already ended.
    }
  };

  function launch(request: LaunchRequest): void {
    const { id, file, args, env, input, niceness, keepOutput, stopWhenCut, keepErrors } = request;
    const child = spawn(file, args, { env, detached: true, stdio: 'pipe' });
    const { pid } = child;
    child.once('error', (error) => {
      // The event also reports signals that could not be sent. Only a missing pid means that the start failed.
      if (pid === undefined) reply({ id, failed: error.message });
    });
    if (pid === undefined) return;
    alive.set(id, pid);
    if (niceness > 0) standBack(pid, request);
    const output: Buffer[] = [];
    let kept = 0;
    let cut = false;
    child.stdout.on('data', (chunk: Buffer) => {
      if (!cut && kept + chunk.length > keepOutput) {
        cut = true;
        if (stopWhenCut && pid !== undefined) kill(pid, 'SIGTERM');
      }
      if (kept < keepOutput) output.push(chunk.subarray(0, keepOutput - kept));
      kept = Math.min(keepOutput, kept + chunk.length);
    });
    let errors = Buffer.alloc(0);
    child.stderr.on('data', (chunk: Buffer) => {
      errors = Buffer.concat([errors, chunk]);
      errors = errors.subarray(Math.max(0, errors.length - keepErrors));
    });
    // A process may exit before it has read all input. Its exit code tells whether that is an error.
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
    // The server has ended or has closed the launcher: the remaining processes are no longer needed.
    for (const pid of alive.values()) kill(pid, 'SIGKILL');
    process.exit(0);
  });
  // A terminal sends these signals to the whole group. The server decides when to end, so the launcher ignores them.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
}
