import { compareTrees, type Differences } from '../../../browse/differences.ts';
import { listHistory } from '../../../browse/history.ts';
import { mergeBase } from '../../../browse/merge-base.ts';
import { type FoundCommit, readCommit } from '../../../browse/objects.ts';
import type { RepositoryView } from '../../../browse/repository-view.ts';
import { isObjectId } from '../../../git/index.ts';
import { LruMap } from '../../../lib/lru.ts';
import { SingleFlight } from '../../../lib/single-flight.ts';
import type { PullRequestVersion } from '../../../nostr/collaboration/pull-request.ts';
import type { DiffView } from '../../code/diff/diff-view.ts';
import type { FoundRepository } from '../../find-repository.ts';
import type { NostrSources } from '../nostr-page.ts';

/** What a pull request would change in the default branch. */
export interface PullChanges {
  /** Id of the commit that it is compared with; absent: with nothing, for there is no common history. */
  readonly base?: string;
  /** Whether the default branch has all of it; then `base` is where its author says that it began. */
  readonly merged: boolean;
  /** Newest first. */
  readonly commits: readonly FoundCommit[];
  readonly moreCommits: boolean;
  readonly differences: Differences;
}

/** Commits that are listed. */
const SHOWN_COMMITS = 50;
/** Comparisons in memory; each may have a megabyte of lines. */
const KEPT = 16;

/** Compares pull requests with the default branch. A comparison follows from object ids, so it is kept. */
export class PullComparisons {
  private readonly kept = new LruMap<string, PullChanges>(KEPT);
  private readonly making = new SingleFlight<string, PullChanges | undefined>();

  /** @returns undefined if the tip is not in this repository */
  async changes(
    { views }: Pick<NostrSources, 'views'>,
    { id, repository, published }: FoundRepository,
    { tip, mergeBase: stated }: PullRequestVersion,
    diff: DiffView,
  ): Promise<PullChanges | undefined> {
    const { objectFormat, refs, head } = published.manifest;
    if (tip === undefined || !isObjectId(tip, objectFormat)) return undefined;
    const target = refs.get(head);
    const began = stated !== undefined && isObjectId(stated, objectFormat) ? stated : undefined;
    const key = JSON.stringify([id, tip, target ?? null, began ?? null, diff]);
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    return this.making.run(key, async () => {
      const made = await views.read(repository, published, undefined, (view) =>
        compare(view, tip, target, began, diff),
      );
      if (made !== undefined) this.kept.set(key, made, 1);
      return made;
    });
  }
}

async function compare(
  view: RepositoryView,
  tip: string,
  target: string | undefined,
  stated: string | undefined,
  diff: DiffView,
): Promise<PullChanges | undefined> {
  if (!(await isCommit(view, tip))) return undefined;
  const common = target === undefined ? undefined : await mergeBase(view, target, tip);
  const merged = common === tip;
  const base = merged || common === undefined ? await statedBase(view, tip, stated) : common;
  // Without a place where it began, a merged one changes nothing.
  const from = base ?? (merged ? tip : undefined);
  const before = from === undefined ? undefined : (await readCommit(view, from)).commit.tree;
  const { commit } = await readCommit(view, tip);
  const except = from === undefined ? [] : [from];
  const [history, differences] = await Promise.all([
    listHistory(view, { from: [tip], except, count: SHOWN_COMMITS, skip: 0 }),
    compareTrees(view, before, commit.tree, diff),
  ]);
  return {
    ...(base === undefined ? {} : { base }),
    merged,
    commits: history.commits,
    moreCommits: history.more,
    differences,
  };
}

/** Where the author says that it began, if that can be. */
async function statedBase(
  view: RepositoryView,
  tip: string,
  stated: string | undefined,
): Promise<string | undefined> {
  if (stated === undefined || stated === tip || !(await isCommit(view, stated))) return undefined;
  return (await mergeBase(view, stated, tip)) === stated ? stated : undefined;
}

async function isCommit(view: RepositoryView, oid: string): Promise<boolean> {
  return (await view.session.info(oid))?.type === 'commit';
}
