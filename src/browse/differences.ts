import { type ChangedFile, type FileDiff, parseChangedFiles, parseUnifiedDiff } from '../git/index.ts';
import { listDifferences, printPatch } from '../git-process/browse-commands.ts';
import { EMPTY_TREE, type GitCommand } from '../git-process/commands.ts';
import { failureReason } from '../git-process/result.ts';
import { CairnError } from '../lib/errors.ts';
import type { RepositoryView } from './repository-view.ts';

/** A changed file with its lines; undefined if they are beyond what one page shows. */
export interface FileDifference {
  readonly file: ChangedFile;
  readonly diff: FileDiff | undefined;
}

/** How one tree differs from another. */
export interface Differences {
  readonly files: readonly FileDifference[];
  /** Number of changed files, those left out included. */
  readonly count: number;
}

/** Bounds of what one page shows. */
const MOST_FILES = 300;
const MOST_LINES = 1_500;
const MOST_BYTES = 1024 * 1024;
/** Most bytes that are read to count changed files: some 200,000 of them. */
const MOST_LISTED = 64 * 1024 * 1024;

/**
 * Compares two trees, with renames.
 * @param from and @param to ids of trees; `from` is undefined for the empty tree
 * @throws CairnError `unavailable` when git fails, `too-large` when very many files differ
 */
export async function compareTrees(
  view: RepositoryView,
  from: string | undefined,
  to: string,
): Promise<Differences> {
  const input = `${from ?? EMPTY_TREE[view.manifest.objectFormat]} ${to}\n`;
  const [listed, patch] = await Promise.all([
    firstBytes(view, listDifferences(view.gitDir), input, MOST_LISTED),
    firstBytes(view, printPatch(view.gitDir), input, MOST_BYTES),
  ]);
  if (!listed.complete) throw new CairnError('too-large', 'so many files differ that they cannot be shown');
  const { files, count } = parseChangedFiles(listed.output, MOST_FILES);
  const diffs = parseUnifiedDiff(patch.output, patch.complete, MOST_LINES);
  let at = 0;
  const shown = files.map((file) => {
    const diff = diffs[at];
    // A file that becomes a link is deleted and added.
    at += file.status === 'type-changed' ? 2 : 1;
    return { file, diff };
  });
  return { files: shown, count };
}

/** Runs a command and reads the beginning of its output; then git is ended. */
async function firstBytes(
  view: RepositoryView,
  command: GitCommand,
  input: string,
  most: number,
): Promise<{ readonly output: Buffer; readonly complete: boolean }> {
  const running = view.git.start(command, { signal: view.signal });
  running.stderr.resume();
  running.stdin.end(input);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > most) return { output: Buffer.concat(chunks).subarray(0, most), complete: false };
    }
  } finally {
    if (size > most) running.stop();
    running.stdout.destroy();
  }
  const result = await running.ended;
  view.signal.throwIfAborted();
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason(command.name, result));
  return { output: Buffer.concat(chunks), complete: true };
}
