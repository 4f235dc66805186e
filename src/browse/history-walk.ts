import type { CommitGraph } from '../git/index.ts';
import { Yielder } from '../lib/cooperative.ts';
import { isCairnError } from '../lib/errors.ts';
import { PriorityQueue } from '../lib/priority-queue.ts';
import { type CommitLinks, knownLinks, linksIn } from './commit-links.ts';
import type { RepositoryView } from './repository-view.ts';

/** Which part of a history is wanted. */
export interface HistoryPart {
  /** Whether only first parents of merges are followed. */
  readonly firstParent: boolean;
  /** Commits to leave out before the first one. */
  readonly skip: number;
  /** Most commits. */
  readonly count: number;
}

/** What a walk may take: for more than that, git is faster. */
export interface HistoryBounds {
  /** Commits that the walk passes: a microsecond each. */
  readonly commits: number;
  /** Times that objects are read, for commits that no fold has put into the graph. */
  readonly reads: number;
}

export const HISTORY_BOUNDS: HistoryBounds = { commits: 5_000, reads: 40 };

/** Most bytes of a commit. */
const COMMIT_SIZE = 1024 * 1024;

/** A commit of the graph by its place, another one by its id. */
type Node = number | string;

/**
 * Lists commits in git's own order, from the commit-graph and the commits that it does not have. git takes the newest of the commits
 * that it knows, by the committer's date and among equal dates the first that it met, and then knows its parents, too.
 * @param graph undefined if there is none: each commit is read
 * @param tip id of a commit
 * @returns ids; undefined where that takes too much, an object is missing or a date is not what git would read: then git finds out
 * @throws what the signal of the view is aborted with; CairnError `unavailable` when git fails
 */
export async function walkHistory(
  view: RepositoryView,
  graph: CommitGraph | undefined,
  tip: string,
  { firstParent, skip, count }: HistoryPart,
  bounds: HistoryBounds = HISTORY_BOUNDS,
): Promise<string[] | undefined> {
  if (skip + count > bounds.commits) return undefined;
  const links = new Links(view, graph, bounds.reads);
  const queue = new PriorityQueue<Node>();
  const seen = new Set<Node>();
  const found: string[] = [];
  const yielder = new Yielder();
  const add = async (nodes: readonly Node[]): Promise<boolean> => {
    const added = nodes.filter((node) => !seen.has(node) && seen.add(node));
    if (!(await links.read(added))) return false;
    for (const node of added) queue.add(node, links.dateOf(node));
    return true;
  };
  if (!(await add([links.nodeOf(tip)]))) return undefined;
  for (let passed = 0; queue.size > 0 && found.length < count; passed++) {
    if (yielder.isDueByNow) {
      await yielder.next();
      view.signal.throwIfAborted();
    }
    const node = queue.take() ?? '';
    if (passed >= skip) found.push(links.idOf(node));
    // The parents of the last one are not asked for.
    if (found.length === count) break;
    const parents = links.parentsOf(node);
    if (!(await add(firstParent ? parents.slice(0, 1) : parents))) return undefined;
  }
  return found;
}

/** Parents and dates of commits. */
class Links {
  private readonly view: RepositoryView;
  private readonly graph: CommitGraph | undefined;
  /** Of commits that the graph does not have. */
  private readonly others = new Map<string, CommitLinks>();
  private reads: number;

  constructor(view: RepositoryView, graph: CommitGraph | undefined, reads: number) {
    this.view = view;
    this.graph = graph;
    this.reads = reads;
  }

  nodeOf(oid: string): Node {
    return this.graph?.find(oid) ?? oid;
  }

  idOf(node: Node): string {
    return typeof node === 'string' ? node : (this.graph?.idOf(node) ?? '');
  }

  parentsOf(node: Node): readonly Node[] {
    if (typeof node === 'number') return this.graph?.parentsOf(node) ?? [];
    return this.others.get(node)?.parents.map((oid) => this.nodeOf(oid)) ?? [];
  }

  /** Seconds since 1970. */
  dateOf(node: Node): number {
    return (typeof node === 'number' ? this.graph?.dateOf(node) : this.others.get(node)?.date) ?? 0;
  }

  /** Reads what the graph does not have. @returns false if that takes too much, or cannot be had */
  async read(nodes: readonly Node[]): Promise<boolean> {
    const unread = nodes.filter((node) => typeof node === 'string');
    const isRead = unread.some((oid) => knownLinks(oid) === undefined);
    if (isRead && this.reads-- === 0) return false;
    const all = await Promise.all(unread.map((oid) => this.linksOf(oid)));
    for (const [at, oid] of unread.entries()) {
      const links = all[at];
      if (links?.date === undefined) return false;
      this.others.set(oid, links);
    }
    return true;
  }

  private async linksOf(oid: string): Promise<CommitLinks | undefined> {
    const kept = knownLinks(oid);
    if (kept !== undefined) return kept;
    this.view.signal.throwIfAborted();
    const object = await this.view.session.readSmall(oid, COMMIT_SIZE).catch((error: unknown) => {
      if (!isCairnError(error, 'too-large')) throw error;
      return undefined;
    });
    return object?.type === 'commit' ? linksIn(oid, object.content) : undefined;
  }
}
