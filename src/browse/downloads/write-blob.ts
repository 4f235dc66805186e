import { printObject } from '../../git-process/browse-commands.ts';
import type { RepositoryView } from '../repository-view.ts';
import { pipeOutput, type Sink } from './pipe-output.ts';

/** Processor time of one file. */
const SECONDS = 120;

/**
 * Writes a file of any size, whose bytes are never in memory at once: git streams what is large.
 * @param oid of a blob that is known to be there
 * @param size its bytes
 * @throws CairnError `unavailable` when git fails, `too-large` when it takes too long
 */
export async function writeBlob(view: RepositoryView, oid: string, size: number, sink: Sink): Promise<void> {
  const running = view.git.start(printObject(await view.gitDir()), { signal: view.signal });
  running.stderr.resume();
  running.stdin.end(`${oid}\n`);
  await pipeOutput(
    'cat-file',
    running,
    contentOf(running.stdout as AsyncIterable<Buffer>, size),
    sink,
    SECONDS,
  );
}

/** The content between the line `<oid> <type> <size>` and the line feed at the end. */
async function* contentOf(output: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let isHead = true;
  let missing = size;
  for await (const chunk of output) {
    // The line comes in one piece: it is shorter than what a pipe takes at once.
    const content = isHead ? chunk.subarray(chunk.indexOf(0x0a) + 1) : chunk;
    isHead = false;
    const part = content.subarray(0, missing);
    missing -= part.length;
    if (part.length > 0) yield part;
  }
}
