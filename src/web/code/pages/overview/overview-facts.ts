import { linkName } from '../../../../browse/revision.ts';
import { countRefsStartingWith } from '../../../../git/index.ts';
import type { GitManifest } from '../../../../repository/git/git-manifest.ts';
import type { About, LastChange } from '../../about.ts';

/** What an overview says of a repository without looking into it. */
export interface OverviewFacts {
  /** The default branch, which need not exist, as URLs name it. */
  readonly branch: string;
  /** The id of its tip; undefined while it does not exist. */
  readonly tip: string | undefined;
  readonly refs: number;
  readonly branches: number;
  readonly tags: number;
  /** Bytes of packs. */
  readonly size: number;
  readonly maintainers: readonly string[];
  readonly protection: GitManifest['policy']['protection'];
  readonly isPrivate: boolean;
  /** Whether the relay shows the announcement: it does not before the first data arrives. */
  readonly isOnRelay: boolean;
  readonly lastChange: LastChange | undefined;
}

/** Kinds of what changes branches and tags on somebody's behalf. */
const CHANGES: ReadonlySet<string> = new Set(['push', 'order', 'mirror', 'restore']);
const ACTORS = 3;
const MAINTAINERS = 50;
const PROTECTED = 20;

/** @param owner public key in hex */
export function overviewFacts(manifest: GitManifest, owner: string, about: About): OverviewFacts {
  const { head, refs, packs, policy, lifecycle } = manifest;
  return {
    branch: linkName(manifest, head),
    tip: refs.get(head),
    refs: refs.size,
    branches: countRefsStartingWith(refs, 'refs/heads/'),
    tags: countRefsStartingWith(refs, 'refs/tags/'),
    size: packs.reduce((sum, { pack }) => sum + pack.size, 0),
    maintainers: policy.writers.filter((key) => key !== owner).slice(0, MAINTAINERS),
    protection: policy.protection.slice(0, PROTECTED),
    isPrivate: policy.private,
    isOnRelay: lifecycle === 'live' && policy.announcements.length > 0,
    lastChange: changeIn(manifest) ?? about.lastChange,
  };
}

/** The change that this very manifest published, if it is one. Otherwise the last receipt tells. */
function changeIn({ causes, receiptAt }: GitManifest): LastChange | undefined {
  const changing = causes.filter(({ kind, refs }) => CHANGES.has(kind) && refs.length > 0);
  if (changing.length === 0) return undefined;
  const actors = changing.flatMap(({ actor }) => (actor === null ? [] : [actor]));
  return { at: receiptAt, by: [...new Set(actors)].slice(0, ACTORS) };
}
