import type { GitCommand } from '../git-process/commands.ts';
import { failureReason } from '../git-process/result.ts';
import { CairnError } from '../lib/errors.ts';
import type { RepositoryView } from './repository-view.ts';

/** Bytes that most output is shorter than. Such output comes through the launcher, which blocks the server for less time. */
const SHORT = 256 * 1024;

/**
 * Runs a command and hands out its output piece by piece. Git is ended as soon as the caller leaves the loop. A command with
 * long output is run twice: the first time it is ended at {@link SHORT}.
 * @throws CairnError `unavailable` when git fails; the reason of the view's signal
 */
export async function* outputOf(
  view: RepositoryView,
  command: GitCommand,
  input: string | Buffer = '',
): AsyncGenerator<Buffer> {
  const short = await view.git.brief(command, {
    input,
    signal: view.signal,
    keepOutput: SHORT,
    stopWhenCut: true,
  });
  view.signal.throwIfAborted();
  if (!short.cut) {
    if (short.exitCode !== 0) throw new CairnError('unavailable', failureReason(command.name, short));
    yield short.stdout;
    return;
  }
  const running = view.git.start(command, { signal: view.signal });
  running.stderr.resume();
  running.stdin.end(input);
  let isWhole = false;
  try {
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) yield chunk;
    isWhole = true;
  } finally {
    if (!isWhole) {
      running.stop();
      running.stdout.destroy();
      await running.ended;
    }
  }
  const result = await running.ended;
  view.signal.throwIfAborted();
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason(command.name, result));
}

/**
 * Reads the beginning of a command's output.
 * @param most bytes
 * @throws as {@link outputOf}
 */
export async function firstBytes(
  view: RepositoryView,
  command: GitCommand,
  input: string | Buffer,
  most: number,
): Promise<{ readonly output: Buffer; readonly complete: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of outputOf(view, command, input)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > most) return { output: Buffer.concat(chunks).subarray(0, most), complete: false };
  }
  return { output: Buffer.concat(chunks), complete: true };
}
