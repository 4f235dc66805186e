import { countRefsStartingWith, refsStartingWith } from '../../git/index.ts';
import { compareVersions, versionKey } from '../../lib/version-order.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import { linkName } from '../revision.ts';

/** A branch or tag that a visitor may switch to. */
export interface RefChoice {
  /** The whole name. */
  readonly ref: string;
  /** As URLs name it. */
  readonly name: string;
}

/** Some branches or tags, and how many there are. */
export interface SomeRefs {
  readonly shown: readonly RefChoice[];
  readonly count: number;
}

/** The branches and tags that a page offers. It has names and no object ids, so that a push to one of them leaves it as it is. */
export interface RefChoices {
  /** The default branch first, then by name. */
  readonly branches: SomeRefs;
  /** The highest version first. */
  readonly tags: SomeRefs;
}

/** Branches and tags that a page offers. */
export const MOST_OFFERED = { branches: 20, tags: 12 } as const;
/** Of more tags, the first ones are offered in the order of their names: they are not sorted by version. */
const MOST_SORTED = 2_000;

const BRANCHES = 'refs/heads/';
const TAGS = 'refs/tags/';

/** Of each published state that is in memory: pages ask again and again. */
const known = new WeakMap<GitManifest, RefChoices>();

/** The branches and tags that pages of this state offer. */
export function refChoicesOf(manifest: GitManifest): RefChoices {
  const kept = known.get(manifest);
  if (kept !== undefined) return kept;
  const choices = {
    branches: offered(manifest, BRANCHES, branchNames(manifest)),
    tags: offered(manifest, TAGS, tagNames(manifest)),
  };
  known.set(manifest, choices);
  return choices;
}

function offered(manifest: GitManifest, prefix: string, names: readonly string[]): SomeRefs {
  return {
    shown: names.map((ref) => ({ ref, name: linkName(manifest, ref) })),
    count: countRefsStartingWith(manifest.refs, prefix),
  };
}

function branchNames({ head, refs }: GitManifest): string[] {
  const names = refs.has(head) ? [head] : [];
  for (const [name] of refsStartingWith(refs, BRANCHES)) {
    if (names.length === MOST_OFFERED.branches) break;
    if (name !== head) names.push(name);
  }
  return names;
}

function tagNames({ refs }: GitManifest): string[] {
  const isSorted = countRefsStartingWith(refs, TAGS) <= MOST_SORTED;
  const names: string[] = [];
  for (const [name] of refsStartingWith(refs, TAGS)) {
    if (!isSorted && names.length === MOST_OFFERED.tags) break;
    names.push(name);
  }
  if (!isSorted) return names;
  const sorted = names.map(versionKey).sort((a, b) => compareVersions(b, a));
  return sorted.slice(0, MOST_OFFERED.tags).map(({ name }) => name);
}
