import { listChanges } from '../../git-process/browse-commands.ts';
import { isAscii, startOfWalk } from '../history.ts';
import { Fields } from '../read-output.ts';
import type { RepositoryView } from '../repository-view.ts';
import type { LastCommits } from './entry-walk.ts';

/**
 * Commits for each entry of a folder, and bytes of their changed paths, among which the last ones are searched first: in most
 * folders all of them are there, and a short answer costs the server less than a stream.
 */
const FIRST_COMMITS = 5;
const FIRST_BYTES = 256 * 1024;

/** What git has found. */
export interface ListedLastCommits {
  readonly found: LastCommits;
  /** Whether all that is not found is in no commit. Otherwise time was short, or git failed: an object may be missing. */
  readonly isWhole: boolean;
}

/**
 * Finds for each entry of a folder the newest commit in the folder's history that names it.
 * @param names of the entries
 * @param timeout entries that are not found by then are left out
 * @throws CairnError `unavailable` if git cannot be started
 */
export async function listLastCommits(
  view: RepositoryView,
  commit: string,
  folder: readonly Buffer[],
  names: readonly Buffer[],
  timeout: AbortSignal,
): Promise<ListedLastCommits> {
  const search = new EntrySearch(folder, names);
  // git reads a path from a line: below a name with a line feed, all that is above it is walked.
  const walkable = folder.findIndex((name) => name.includes(0x0a));
  const input = startOfWalk([commit], [], walkable < 0 ? folder : folder.slice(0, walkable));
  // What git has printed until the time-out counts.
  const most = FIRST_COMMITS * Math.max(8, names.length);
  const first = await view.git.brief(listChanges(await view.gitDir(), isAscii(folder), most), {
    input,
    signal: AbortSignal.any([view.signal, timeout]),
    keepOutput: FIRST_BYTES,
    stopWhenCut: true,
  });
  view.signal.throwIfAborted();
  const commits = await search.read([first.stdout]);
  const isAll = !first.cut && !first.cancelled && commits < most;
  const { found } = search;
  const hasAll = () => found.size === names.length;
  if (isAll || timeout.aborted || hasAll()) {
    return { found, isWhole: hasAll() || (isAll && first.exitCode === 0) };
  }
  const signal = AbortSignal.any([view.signal, timeout]);
  const running = view.git.start(listChanges(await view.gitDir(), isAscii(folder)), { signal });
  running.stderr.resume();
  running.stdin.end(input);
  let isRead = false;
  try {
    await search.read(running.stdout as AsyncIterable<Buffer>, timeout);
    isRead = !timeout.aborted && !hasAll();
  } finally {
    if (!isRead) running.stop();
    running.stdout.destroy();
  }
  const { exitCode } = await running.ended;
  view.signal.throwIfAborted();
  return { found, isWhole: hasAll() || (isRead && exitCode === 0) };
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
  const fields = new Fields(0);
  let [oid, isHead] = ['', false];
  for await (const chunk of output) {
    for (const bytes of fields.of(chunk)) {
      const field = bytes.toString('latin1');
      // An empty field begins a commit, whose id comes next. The first path follows on a line of its own.
      if (field === '' || field === '\n') isHead = true;
      else if (isHead) {
        [oid, isHead] = [field, false];
        yield { oid, path: undefined };
      } else yield { oid, path: field.replace(/^\n/, '') };
    }
  }
}
