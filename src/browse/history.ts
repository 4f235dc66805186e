import { listChanges, listCommits } from '../git-process/browse-commands.ts';
import { failureReason } from '../git-process/result.ts';
import { CairnError } from '../lib/errors.ts';
import { type FoundCommit, readCommit } from './objects.ts';
import type { RepositoryView } from './repository-view.ts';

/** A part of a history, newest first. */
export interface HistoryPage {
  readonly commits: readonly FoundCommit[];
  /** Whether there are older ones. */
  readonly more: boolean;
}

/** Commits that a page may leave out before it begins: to skip, git has to walk. */
export const MOST_SKIPPED = 1_000_000;

/**
 * Lists commits.
 * @param from ids of commits; those that they reach are listed
 * @param except ids of commits; what these reach is left out
 * @param path if not empty, only commits that change something there; names with line feeds cannot be asked for
 * @throws CairnError `unavailable` when git fails
 */
export async function listHistory(
  view: RepositoryView,
  question: {
    readonly from: readonly string[];
    readonly except?: readonly string[];
    readonly path?: readonly Buffer[];
    readonly count: number;
    readonly skip: number;
  },
): Promise<HistoryPage> {
  const { from, except = [], path = [], count, skip } = question;
  const command = listCommits(view.gitDir, count + 1, Math.min(skip, MOST_SKIPPED));
  const result = await view.git.run(command, { input: startOfWalk(from, except, path), signal: view.signal });
  view.signal.throwIfAborted();
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason('rev-list', result));
  const ids = result.stdout
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
  const commits = await Promise.all(ids.slice(0, count).map((oid) => readCommit(view, oid)));
  return { commits, more: ids.length > count };
}

/**
 * Finds for each entry of a folder the last commit that changed it.
 * @param names of the entries
 * @param timeLimit milliseconds; what is not found by then is left out
 * @returns ids of commits, by the name of the entry in latin1
 */
export async function lastCommits(
  view: RepositoryView,
  commit: string,
  folder: readonly Buffer[],
  names: readonly Buffer[],
  timeLimit: number,
): Promise<ReadonlyMap<string, string>> {
  const missing = new Set(names.map((name) => name.toString('latin1')));
  const found = new Map<string, string>();
  const timeout = AbortSignal.timeout(timeLimit);
  const running = view.git.start(listChanges(view.gitDir), { signal: view.signal });
  running.stderr.resume();
  running.stdin.end(startOfWalk([commit], [], folder));
  const prefix = folder.map((name) => `${name.toString('latin1')}/`).join('');
  try {
    for await (const { oid, path } of changes(running.stdout as AsyncIterable<Buffer>)) {
      if (timeout.aborted) break;
      if (!path.startsWith(prefix)) continue;
      const name = path.slice(prefix.length).split('/', 1)[0] ?? '';
      if (missing.delete(name)) found.set(name, oid);
      if (missing.size === 0) break;
    }
  } finally {
    running.stop();
    running.stdout.destroy();
    await running.ended;
  }
  view.signal.throwIfAborted();
  return found;
}

/** The changed paths that git prints, in latin1, each with its commit. */
async function* changes(output: AsyncIterable<Buffer>): AsyncGenerator<{ oid: string; path: string }> {
  let [rest, oid, isHead] = ['', '', false];
  for await (const chunk of output) {
    const fields = `${rest}${chunk.toString('latin1')}`.split('\0');
    rest = fields.pop() ?? '';
    for (const field of fields) {
      // An empty field begins a commit, whose id comes next. The first path follows on a line of its own.
      if (field === '' || field === '\n') isHead = true;
      else if (isHead) [oid, isHead] = [field, false];
      else yield { oid, path: field.replace(/^\n/, '') };
    }
  }
}

/** The input of a walk. git reads a path from each line, literally. */
export function startOfWalk(
  from: readonly string[],
  except: readonly string[],
  path: readonly Buffer[],
): Buffer {
  const start = [...from, ...except.map((oid) => `^${oid}`)].map((line) => `${line}\n`).join('');
  if (path.length === 0) return Buffer.from(start);
  const separated = path.flatMap((name, at) => (at === 0 ? [name] : [Buffer.from('/'), name]));
  const line = Buffer.concat(separated);
  if (line.includes(0x0a)) {
    throw new CairnError('invalid', 'the history of a path with a line feed in its name cannot be shown');
  }
  return Buffer.concat([Buffer.from(`${start}--\n`), line, Buffer.from('\n')]);
}
