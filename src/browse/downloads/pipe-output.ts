import type { RunningGit } from '../../git-process/git.ts';
import { failureReason, ranOutOfMemory } from '../../git-process/result.ts';
import { CairnError } from '../../lib/errors.ts';

/** Where a download goes. */
export interface Sink {
  /** Waits until there is room for more. @returns false if the reader has gone */
  write(chunk: Uint8Array): Promise<boolean>;
}

/** Milliseconds between two looks at the time that git has used. */
const LOOK_MS = 1_000;

/**
 * Hands all that git prints to a sink.
 * @param name of the command
 * @param source what git prints, perhaps changed on the way
 * @param seconds of the processor that git may use
 * @throws CairnError `unavailable` when git fails, `too-large` when it works for too long or needs too much memory
 */
export async function pipeOutput(
  name: string,
  running: RunningGit,
  source: AsyncIterable<Uint8Array>,
  sink: Sink,
  seconds: number,
): Promise<void> {
  let tooLong = false;
  const watch = setInterval(() => {
    if ((running.processorTime() ?? 0) <= seconds) return;
    tooLong = true;
    running.stop();
  }, LOOK_MS);
  let whole = false;
  try {
    for await (const chunk of source) {
      if (!(await sink.write(chunk))) return;
    }
    whole = true;
  } finally {
    clearInterval(watch);
    if (!whole) running.stop();
    running.stdout.destroy();
    await running.ended;
  }
  const result = await running.ended;
  if (tooLong) throw new CairnError('too-large', `git ${name} takes more than ${seconds} seconds`);
  if (ranOutOfMemory(result)) throw new CairnError('too-large', failureReason(name, result));
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason(name, result));
}
