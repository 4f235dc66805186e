import { compareTrees } from '../../browse/differences.ts';
import { lastCommits, listHistory } from '../../browse/history.ts';
import {
  blobSize,
  type FoundCommit,
  findPath,
  peel,
  readBlob,
  readCommit,
  readCommitOf,
  readTree,
} from '../../browse/objects.ts';
import type { RepositoryView } from '../../browse/repository-view.ts';
import type { Revision } from '../../browse/revision.ts';
import type { TreeEntry } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Html } from '../layout.ts';
import { linesOf, readFileText } from './file-text.ts';
import type { CodeContext } from './frame.ts';
import { commitPage } from './pages/commit/commit-html.ts';
import { historyPage } from './pages/commits/commits-html.ts';
import { filePage, type ShownFile } from './pages/file/file-html.ts';
import { treePage } from './pages/tree/tree-html.ts';

/** Most bytes of a file that is shown as lines. */
const SHOWN_SIZE = 1024 * 1024;
/** Most lines, and most characters of a line. */
const SHOWN_LINES = 20_000;
const SHOWN_COLUMNS = 2_000;
/** Entries of a folder on a page. */
const SHOWN_ENTRIES = 1_000;
/** Entries up to which the last commits are looked for, and for how many milliseconds. */
const WITH_COMMITS = 300;
const LOOK_FOR_COMMITS_MS = 1_500;
/** Commits on a page. */
const SHOWN_COMMITS = 50;
/** A symbolic link is a path. */
const LINK_SIZE = 8_192;

/** Makes the page of a folder. */
export async function makeTreePage(view: RepositoryView, context: CodeContext, at: Revision): Promise<Html> {
  const { oid, type } = await peel(view, at.oid);
  const root = type === 'commit' ? (await readCommit(view, oid)).commit.tree : oid;
  const folder = await findPath(view, root, at.path);
  if (folder.kind !== 'folder') throw new CairnError('not-found', 'this is a file, not a folder');
  const all = (await readTree(view, folder.oid)).sort(foldersFirst);
  const entries = all.slice(0, SHOWN_ENTRIES);
  const commits =
    type === 'commit' && all.length <= WITH_COMMITS
      ? await commitsOf(view, oid, at.path, entries)
      : new Map<string, FoundCommit>();
  return treePage(context, { revision: at.name, path: at.path, entries, count: all.length, commits });
}

/** Makes the page of a file. */
export async function makeFilePage(view: RepositoryView, context: CodeContext, at: Revision): Promise<Html> {
  const { kind, oid } = await findFile(view, at);
  const size = await blobSize(view, oid);
  const shown = await showFile(view, kind, oid, size);
  return filePage(context, { revision: at.name, path: at.path, size, shown });
}

/** Makes a page of a history. @param skip commits to leave out before the first one */
export async function makeHistoryPage(
  view: RepositoryView,
  context: CodeContext,
  at: Revision,
  skip: number,
): Promise<Html> {
  const { oid } = await readCommitOf(view, at.oid);
  const history = await listHistory(view, { from: [oid], path: at.path, count: SHOWN_COMMITS, skip });
  return historyPage(context, { revision: at.name, path: at.path, history, skip, count: SHOWN_COMMITS });
}

/** Makes the page of a commit. @param oid of a commit, or of a tag of one */
export async function makeCommitPage(view: RepositoryView, context: CodeContext, oid: string): Promise<Html> {
  const found = await readCommitOf(view, oid);
  const [parent] = found.commit.parents;
  const before = parent === undefined ? undefined : (await readCommit(view, parent)).commit.tree;
  const differences = await compareTrees(view, before, found.commit.tree);
  return commitPage(context, { found, differences });
}

/** Finds a file. @throws CairnError `not-found` when something else, or nothing, is there */
export async function findFile(view: RepositoryView, at: Revision): Promise<Pick<TreeEntry, 'kind' | 'oid'>> {
  const { oid, type } = await peel(view, at.oid);
  const root = type === 'commit' ? (await readCommit(view, oid)).commit.tree : oid;
  const found = await findPath(view, root, at.path);
  if (found.kind === 'folder' || found.kind === 'submodule') {
    throw new CairnError('not-found', `this is a ${found.kind}, not a file`);
  }
  return found;
}

async function showFile(
  view: RepositoryView,
  kind: TreeEntry['kind'],
  oid: string,
  size: number,
): Promise<ShownFile> {
  if (kind === 'symlink' && size <= LINK_SIZE) {
    return { is: 'link', target: (await readBlob(view, oid, LINK_SIZE)).toString('utf8') };
  }
  if (size > SHOWN_SIZE) return { is: 'too-large' };
  const read = readFileText(await readBlob(view, oid, SHOWN_SIZE));
  if (read.is === 'binary') return read;
  const all = linesOf(read.text);
  const cut = all.length > SHOWN_LINES || all.some((line) => line.length > SHOWN_COLUMNS);
  const lines = all
    .slice(0, SHOWN_LINES)
    .map((line) => (line.length > SHOWN_COLUMNS ? `${line.slice(0, SHOWN_COLUMNS)}…` : line));
  return { is: 'text', lines, encoding: read.encoding, cut };
}

async function commitsOf(
  view: RepositoryView,
  commit: string,
  path: readonly Buffer[],
  entries: readonly TreeEntry[],
): Promise<Map<string, FoundCommit>> {
  const names = entries.map(({ name }) => name);
  const found = await lastCommits(view, commit, path, names, LOOK_FOR_COMMITS_MS);
  const commits = new Map<string, FoundCommit>();
  for (const oid of new Set(found.values())) commits.set(oid, await readCommit(view, oid));
  return new Map(
    [...found].flatMap(([name, oid]) => {
      const read = commits.get(oid);
      return read === undefined ? [] : [[name, read] as const];
    }),
  );
}

function foldersFirst(left: TreeEntry, right: TreeEntry): number {
  const [a, b] = [left.kind === 'folder' ? 0 : 1, right.kind === 'folder' ? 0 : 1];
  return a - b || Buffer.compare(left.name, right.name);
}
