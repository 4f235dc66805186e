import { CairnError } from '../lib/errors.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import { compareTrees, type Differences, type DifferencesQuestion } from './differences.ts';
import { type HistoryPage, listHistory } from './history.ts';
import { mergeBase } from './merge-base.ts';
import { type FoundCommit, readCommit, readCommitOf } from './objects.ts';
import { joinPath, splitPath } from './paths.ts';
import type { RepositoryView } from './repository-view.ts';
import { head, type Revision, readRevision } from './revision.ts';

/** A commit as a URL names it. */
export type NamedCommit = Pick<Revision, 'name' | 'oid'>;

/** Two commits to be compared. */
export interface ComparedPair {
  readonly from: NamedCommit;
  readonly to: NamedCommit;
  /** With three dots, `to` is compared with what both have in common; with two, with `from`. */
  readonly dots: 2 | 3;
}

/** The commits of a pair, and their merge base. */
export interface FoundPair {
  readonly from: FoundCommit;
  readonly to: FoundCommit;
  /** Their best common ancestor; undefined if their histories have nothing in common. */
  readonly mergeBase: string | undefined;
}

/** How two commits are related. */
export interface Comparison extends FoundPair {
  /** The commits that `to` reaches and `from` does not. */
  readonly history: HistoryPage;
  /** Undefined where there is nothing to compare with. */
  readonly differences: Differences | undefined;
}

/** Commits on a page. */
export const COMPARED_COMMITS = 50;

/**
 * Reads `a...b` or `a..b`. No ref has two dots in its name, none begins or ends with one, so there is one way to read it. Where a
 * name is missing, the default branch is meant; a name alone is compared with the default branch.
 * @param segments of the URL, decoded
 * @throws CairnError `not-found` for names that mean nothing here
 */
export function readComparison(manifest: GitManifest, segments: readonly Buffer[]): ComparedPair {
  const text = joinPath(segments).toString('latin1');
  const at = text.indexOf('..');
  const dots = at !== -1 && text.charAt(at + 2) !== '.' ? 2 : 3;
  const [from, to] = at === -1 ? ['', text] : [text.slice(0, at), text.slice(at + dots)];
  return { from: named(manifest, from), to: named(manifest, to), dots };
}

/** @param text bytes as latin1 */
function named(manifest: GitManifest, text: string): NamedCommit {
  if (text === '') return head(manifest);
  const found = readRevision(manifest, splitPath(Buffer.from(text, 'latin1')));
  if (found.path.length > 0) throw new CairnError('not-found', 'there is no branch or tag of this name');
  return { name: found.name, oid: found.oid };
}

/**
 * Compares two commits.
 * @param skip commits to leave out before the first one
 * @throws CairnError `not-found` if it is not a commit; as {@link compareTrees}
 */
export async function compareCommits(
  view: RepositoryView,
  pair: ComparedPair,
  skip: number,
  question: DifferencesQuestion,
): Promise<Comparison> {
  const { from, to, mergeBase } = await readPair(view, pair);
  const before = await startOf(view, pair, from, mergeBase);
  const [history, differences] = await Promise.all([
    listHistory(view, {
      from: [to.oid],
      except: exceptOf(from.oid, mergeBase),
      count: COMPARED_COMMITS,
      skip,
    }),
    before === undefined ? undefined : compareTrees(view, before.commit.tree, to.commit.tree, question),
  ]);
  return { from, to, mergeBase, history, differences };
}

/**
 * The commits whose histories are left out. The merge base is one of them anyway. git follows dates, and would miss it where those of
 * commits between are much too old.
 */
export function exceptOf(from: string, mergeBase: string | undefined): readonly string[] {
  return mergeBase === undefined || mergeBase === from ? [from] : [from, mergeBase];
}

/** Reads the commits of a pair. @throws CairnError `not-found` if it is not a commit, `unavailable` when git fails */
export async function readPair(view: RepositoryView, pair: ComparedPair): Promise<FoundPair> {
  const [from, to] = await Promise.all([readCommitOf(view, pair.from.oid), readCommitOf(view, pair.to.oid)]);
  return { from, to, mergeBase: await mergeBase(view, from.oid, to.oid) };
}

/** The commit that a comparison starts from; undefined if there is none. */
export async function startOf(
  view: RepositoryView,
  { dots }: ComparedPair,
  from: FoundCommit,
  mergeBase: string | undefined,
): Promise<FoundCommit | undefined> {
  if (dots === 2) return from;
  return mergeBase === undefined ? undefined : readCommit(view, mergeBase);
}
