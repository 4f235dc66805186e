import { countRefsStartingWith, refsStartingWith } from '../../git/index.ts';
import { listParents } from '../../git-process/walk-commands.ts';
import { inBatches } from '../../lib/cooperative.ts';
import { isCairnError } from '../../lib/errors.ts';
import { type FoundCommit, readCommitOf } from '../objects.ts';
import { Fields, readOutput } from '../read-output.ts';
import type { RepositoryView } from '../repository-view.ts';
import { shortCommit } from '../shortened.ts';
import { MOST_SORTED, orderByDate } from './order-by-date.ts';
import { type Apart, MOST_TIPS, ReachedCommits } from './reached-commits.ts';

export interface Branch {
  /** The whole name of the ref. */
  readonly ref: string;
  readonly oid: string;
  /** Its last commit; undefined if the branch is not a commit. */
  readonly last: FoundCommit | undefined;
  /** How far it is from the default branch; undefined for that one itself, and where one of them is not there. */
  readonly apart: Apart | undefined;
}

/** Some of the branches. */
export interface BranchList {
  readonly branches: readonly Branch[];
  /** Number of all. */
  readonly count: number;
  /** True if there are so many that they are in the order of their names. */
  readonly byName: boolean;
}

/** Branches on a page. All of them, and the default branch, are compared at once. */
export const BRANCHES_ON_PAGE = Math.min(50, MOST_TIPS - 1);

/** Commits that are looked at to compare the branches of a page, and for how long. */
const MOST_WALKED = 50_000;
const WALK_BYTES = 64 * 1024 * 1024;
const WALK_MS = 2_000;

/**
 * Lists branches, the default branch first.
 * @param order by the date of their last commits, or by name
 * @param skip how many to leave out
 * @param timeLimit milliseconds for comparing them with the default branch; what is not known by then is not exact
 */
export async function listBranches(
  view: RepositoryView,
  order: 'recent' | 'name',
  skip: number,
  timeLimit = WALK_MS,
): Promise<BranchList> {
  const { head, refs } = view.manifest;
  const count = countRefsStartingWith(refs, 'refs/heads/');
  const byName = order === 'name' || count > MOST_SORTED;
  const names = byName
    ? branchNames(view)
    : await orderByDate(view, [...refsStartingWith(refs, 'refs/heads/')]);
  const shown: string[] = [];
  let at = refs.has(head) ? 1 : 0;
  if (at === 1 && skip === 0) shown.push(head);
  // There may be a million, which others must not wait for.
  for await (const batch of inBatches(names)) {
    for (const name of batch) {
      if (name === head || shown.length === BRANCHES_ON_PAGE) continue;
      if (at >= skip) shown.push(name);
      at++;
    }
    if (shown.length === BRANCHES_ON_PAGE) break;
  }
  const found = shown.map((ref) => ({ ref, oid: refs.get(ref) ?? '' }));
  const last = await Promise.all(found.map(({ oid }) => commitAt(view, oid)));
  const apart = await compareWithDefault(view, found, timeLimit);
  const branches = found.map((branch, index) => ({
    ...branch,
    last: last[index],
    apart: branch.ref === head ? undefined : apart?.[index],
  }));
  return { branches, count, byName };
}

function* branchNames({ manifest }: RepositoryView): Generator<string> {
  for (const [name] of refsStartingWith(manifest.refs, 'refs/heads/')) yield name;
}

async function commitAt(view: RepositoryView, oid: string): Promise<FoundCommit | undefined> {
  try {
    const found = await readCommitOf(view, oid);
    return { ...found, commit: shortCommit(found.commit) };
  } catch (error) {
    if (isCairnError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** @returns undefined when there is no default branch */
async function compareWithDefault(
  view: RepositoryView,
  branches: readonly { readonly oid: string }[],
  milliseconds: number,
): Promise<readonly Apart[] | undefined> {
  const base = view.manifest.refs.get(view.manifest.head);
  if (base === undefined) return undefined;
  const tips = [base, ...branches.map(({ oid }) => oid)];
  const reached = new ReachedCommits(tips);
  const input = [...new Set(tips)].map((oid) => `${oid}\n`).join('');
  const lines = new Fields(0x0a);
  if (!reached.met) {
    const bounds = { bytes: WALK_BYTES, milliseconds };
    await readOutput(view, listParents(await view.gitDir(), MOST_WALKED), input, bounds, (piece) => {
      for (const line of lines.of(piece)) {
        const [oid = '', ...parents] = line.toString('latin1').split(' ');
        reached.add(oid, parents);
        if (reached.met) return false;
      }
      return true;
    });
  }
  return reached.apart().slice(1);
}
