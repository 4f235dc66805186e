import { listChanges, listCommits } from '../git-process/browse-commands.ts';
import { failureReason } from '../git-process/result.ts';
import { CairnError } from '../lib/errors.ts';
import { type FoundCommit, readListedCommit } from './objects.ts';
import type { RepositoryView } from './repository-view.ts';

/** A part of a history, newest first. */
export interface HistoryPage {
  readonly commits: readonly FoundCommit[];
  /** Whether there are older ones. */
  readonly more: boolean;
}

/** Commits that a page may leave out before it begins: to skip, git has to walk. */
export const MOST_SKIPPED = 1_000_000;

/** Bytes of a line with an id, of SHA-256 at most. */
const ID_LINE = 65;
/**
 * Commits for each entry of a folder, and bytes of their changed paths, among which the last ones are looked for first: in most
 * folders all of them are there, and a short answer costs the server less than a stream.
 */
const FIRST_COMMITS = 5;
const FIRST_BYTES = 256 * 1024;

/**
 * Lists commits.
 * @param from ids of commits; those that they reach are listed
 * @param except ids of commits; what these reach is left out
 * @param path if not empty, only commits that change something there; names with line feeds cannot be asked for
 * @param firstParent whether only first parents of merges are followed
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
    readonly firstParent?: boolean;
  },
): Promise<HistoryPage> {
  const { from, except = [], path = [], count, skip, firstParent = false } = question;
  const skipped = Math.min(skip, MOST_SKIPPED);
  const command = listCommits(view.gitDir, isAscii(path), count + 1, skipped, firstParent);
  const result = await view.git.brief(command, {
    input: startOfWalk(from, except, path),
    signal: view.signal,
    keepOutput: (count + 1) * ID_LINE,
  });
  view.signal.throwIfAborted();
  if (result.exitCode !== 0) throw new CairnError('unavailable', failureReason('rev-list', result));
  const ids = result.stdout
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
  const commits = await Promise.all(ids.slice(0, count).map((oid) => readListedCommit(view, oid)));
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
  const search = new EntrySearch(folder, names);
  // git reads a path from a line: below a name with a line feed, all that is above it is walked.
  const walkable = folder.findIndex((name) => name.includes(0x0a));
  const input = startOfWalk([commit], [], walkable < 0 ? folder : folder.slice(0, walkable));
  const timeout = AbortSignal.timeout(timeLimit);
  // What git has printed until the time-out counts.
  const most = FIRST_COMMITS * Math.max(8, names.length);
  const first = await view.git.brief(listChanges(view.gitDir, isAscii(folder), most), {
    input,
    signal: AbortSignal.any([view.signal, timeout]),
    keepOutput: FIRST_BYTES,
    stopWhenCut: true,
  });
  view.signal.throwIfAborted();
  const commits = await search.read([first.stdout]);
  const isAll = !first.cut && !first.cancelled && commits < most;
  if (timeout.aborted) view.onCut?.();
  if (isAll || timeout.aborted || search.found.size === names.length) return search.found;
  const running = view.git.start(listChanges(view.gitDir, isAscii(folder)), { signal: view.signal });
  running.stderr.resume();
  running.stdin.end(input);
  try {
    await search.read(running.stdout as AsyncIterable<Buffer>, timeout);
  } finally {
    running.stop();
    running.stdout.destroy();
    await running.ended;
  }
  view.signal.throwIfAborted();
  if (timeout.aborted) view.onCut?.();
  return search.found;
}

/** Looks for the first commit that names each entry of a folder. */
class EntrySearch {
  /** Ids of commits, by the name of the entry in latin1. */
  readonly found = new Map<string, string>();
  private readonly missing: Set<string>;
  private readonly prefix: string;

  constructor(folder: readonly Buffer[], names: readonly Buffer[]) {
    this.missing = new Set(names.map((name) => name.toString('latin1')));
    this.prefix = folder.map((name) => `${name.toString('latin1')}/`).join('');
  }

  /** Reads until the end, the time-out, or until all are found. @returns the number of commits read */
  async read(output: AsyncIterable<Buffer> | Iterable<Buffer>, timeout?: AbortSignal): Promise<number> {
    let commits = 0;
    for await (const { oid, path } of changes(output)) {
      if (timeout?.aborted === true) break;
      if (path === undefined) commits++;
      if (path?.startsWith(this.prefix) !== true) continue;
      const name = path.slice(this.prefix.length).split('/', 1)[0] ?? '';
      if (this.missing.delete(name)) this.found.set(name, oid);
      if (this.missing.size === 0) break;
    }
    return commits;
  }
}

/** What git prints: each commit without a path, then its changed paths in latin1. */
async function* changes(
  output: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<{ readonly oid: string; readonly path: string | undefined }> {
  let [rest, oid, isHead] = ['', '', false];
  for await (const chunk of output) {
    const fields = `${rest}${chunk.toString('latin1')}`.split('\0');
    rest = fields.pop() ?? '';
    for (const field of fields) {
      // An empty field begins a commit, whose id comes next. The first path follows on a line of its own.
      if (field === '' || field === '\n') isHead = true;
      else if (isHead) {
        [oid, isHead] = [field, false];
        yield { oid, path: undefined };
      } else yield { oid, path: field.replace(/^\n/, '') };
    }
  }
}

function isAscii(path: readonly Buffer[]): boolean {
  return path.every((name) => name.every((byte) => byte < 0x80));
}

/**
 * The input of a walk. git reads a path from each line, literally.
 * @throws CairnError `invalid` for a path with a line feed, `not-found` for what can be no path in git
 */
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
  // git would take them for ways through folders, and refuse those that lead out of the repository.
  if (path.some((name) => ['', '.', '..'].includes(name.toString('latin1')))) {
    throw new CairnError('not-found', 'no file has this path');
  }
  return Buffer.concat([Buffer.from(`${start}--\n`), line, Buffer.from('\n')]);
}
