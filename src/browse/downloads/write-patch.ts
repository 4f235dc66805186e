import type { GitCommand } from '../../git-process/commands.ts';
import { CairnError } from '../../lib/errors.ts';
import type { RepositoryView } from '../repository-view.ts';
import { pipeOutput, type Sink } from './pipe-output.ts';

/** Processor time of one patch. */
const SECONDS = 60;
/** Bytes of the largest patch that is sent; a longer one is aborted, so that it does not look complete. */
export const MOST_PATCH_BYTES = 256 * 1024 * 1024;

/**
 * Writes what a command prints, which is a patch.
 * @throws CairnError `unavailable` when git fails, `too-large` when it takes too long or the patch is too large
 */
export async function writePatch(
  view: RepositoryView,
  command: GitCommand,
  input: string,
  sink: Sink,
  most: number = MOST_PATCH_BYTES,
): Promise<void> {
  const running = view.git.start(command, { signal: view.signal });
  running.stderr.resume();
  running.stdin.end(input);
  const source = bounded(running.stdout as AsyncIterable<Buffer>, most);
  await pipeOutput(command.name, running, source, sink, SECONDS);
}

async function* bounded(output: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of output) {
    size += chunk.length;
    if (size > most) throw new CairnError('too-large', `this patch has more than ${most} bytes`);
    yield chunk;
  }
}
