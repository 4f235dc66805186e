import { execa } from 'execa';
import type { Program } from './memory-limit.ts';
import type { PipedChild } from './piped-process.ts';

export interface BoundedProcess {
  readonly child: PipedChild;
  /** Standard output, once the process has ended; undefined if it was longer than the bound. Never rejects. */
  readonly output: Promise<Buffer | undefined>;
}

/**
 * Starts a process in a group of its own and collects its standard output. For commands that no request waits for: starting
 * a process this way takes 1–2 ms longer, and the collected bytes stay in memory until the end (decision 14). The caller
 * reads standard error and stops the process, because execa would only stop the first process of the group.
 * @param maxOutput most bytes of standard output
 */
export function startBounded(
  program: Program,
  env: Readonly<Record<string, string>>,
  maxOutput: number,
): BoundedProcess {
  const child = execa(program.file, program.args, {
    env,
    extendEnv: false,
    detached: true,
    cleanup: false,
    reject: false,
    stdin: 'pipe',
    encoding: 'buffer',
    stripFinalNewline: false,
    buffer: { stdout: true, stderr: false },
    maxBuffer: maxOutput,
  });
  // A process that cannot be started may have no output at all.
  const output = child.then(({ stdout, isMaxBuffer }) =>
    isMaxBuffer || stdout === undefined
      ? undefined
      : Buffer.from(stdout.buffer, stdout.byteOffset, stdout.byteLength),
  );
  return { child, output };
}
