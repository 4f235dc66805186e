import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { DeepInput } from './deep-input.ts';
import type { Program } from './memory-limit.ts';

/** A program with its whole environment. */
export type WholeProgram = Program & { readonly env: Readonly<Record<string, string>> };

/** A child process with open streams, however it was started. */
export interface PipedChild extends Pick<ChildProcess, 'pid'> {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'close', listener: (exitCode: number | null, signal: NodeJS.Signals | null) => void): unknown;
}

/**
 * Starts a process in a group of its own, with open streams.
 * @param input what it reads from; a pipe without it
 */
export function startPiped({ file, args, env }: WholeProgram, input?: DeepInput): PipedChild {
  // A separate process group: ending it also ends upload-pack's pack-objects, and Ctrl-C at the server reaches neither.
  const child = spawn(file, args, { env, detached: true, stdio: [input?.far ?? 'pipe', 'pipe', 'pipe'] });
  // Node.js closes it when the process ends, as it does with a pipe of its own.
  if (input !== undefined) child.stdin = input.near;
  return child as PipedChild;
}
