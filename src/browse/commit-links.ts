import { dateInCommit, parseCommit } from '../git/index.ts';
import { LruMap } from '../lib/lru.ts';

/** What walks need of a commit. */
export interface CommitLinks {
  readonly tree: string;
  readonly parents: readonly string[];
  /** What git orders commits by: see {@link dateInCommit}. */
  readonly date: number | undefined;
}

/** Commits that are remembered: those that no fold has put into a commit-graph. They never change, in any repository. */
const KEPT = 10_000;

const known = new LruMap<string, CommitLinks>(KEPT);

/** The links of a commit that has been read before. */
export function knownLinks(oid: string): CommitLinks | undefined {
  return known.get(oid);
}

/** Reads the links of a commit, and remembers them. @param content as git stores it */
export function linksIn(oid: string, content: Buffer): CommitLinks {
  const { tree, parents } = parseCommit(content);
  const links = { tree, parents, date: dateInCommit(content) };
  known.set(oid, links, 1 + parents.length);
  return links;
}
