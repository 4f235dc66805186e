import { pipeline } from 'node:stream/promises';
import type { GitCommand } from '../../git-process/commands.ts';
import type { Git } from '../../git-process/git.ts';
import { checkFindings, failureReason } from '../../git-process/result.ts';
import { CairnError } from '../../lib/errors.ts';

/**
 * Runs a git command to its end.
 * @returns standard output
 * @throws CairnError `invalid` if git finds faults in objects, `unavailable` if it fails otherwise; the signal's reason
 */
export async function runGit(
  git: Git,
  command: GitCommand,
  signal: AbortSignal,
  input: string | AsyncIterable<Uint8Array> = '',
): Promise<string> {
  const result = await git.run(command, { signal, input });
  signal.throwIfAborted();
  if (result.exitCode === 0) return result.stdout.toString('utf8');
  const findings = checkFindings(result);
  if (findings.length > 0) throw new CairnError('invalid', `git refuses objects: ${findings.join('; ')}`);
  throw new CairnError('unavailable', failureReason(command.name, result));
}

/**
 * Runs a git command and hands over its lines one by one.
 * @param take returns true when no more lines are wanted; git is then ended
 * @throws CairnError `unavailable` if git fails; the signal's reason; what `take` throws
 */
export async function eachLineOfGit(
  git: Git,
  command: GitCommand,
  signal: AbortSignal,
  input: Iterable<string>,
  take: (line: string) => boolean | Promise<boolean>,
): Promise<void> {
  const running = git.start(command, { signal });
  running.stderr.resume();
  // git may end before it has read all input. Its exit code tells why.
  const writing = pipeline(input, running.stdin).catch(() => undefined);
  let isEnough = false;
  try {
    let rest = '';
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      // A character for each byte: paths need not be UTF-8.
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) isEnough ||= await take(line);
      if (isEnough) return;
    }
    const result = await running.ended;
    signal.throwIfAborted();
    if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason(command.name, result));
  } finally {
    running.stop();
    running.stdout.destroy();
    await Promise.allSettled([writing, running.ended]);
  }
}
