/** Threads of the forum, from the versions of their posts. */
import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import type { ForumFact, NamedFact } from './note-fact.ts';

/** A post as its versions have left it. */
export interface ShownPost {
  /** Its first version, which names it. */
  readonly name: ArtifactName;
  /** The newest version. */
  readonly artifact: ArtifactName;
  readonly user: string;
  /** Seconds since the epoch. */
  readonly time: number;
  /** Of the newest version, if there are several. */
  readonly edited: { readonly user: string; readonly time: number } | undefined;
  /** The post that it answers, if that is here. */
  readonly answers: ArtifactName | undefined;
  /** How many posts it is below the first one: its own place in the tree of answers. */
  readonly depth: number;
  readonly isDeleted: boolean;
}

export interface ForumThread {
  /** Its first post, which may be missing. */
  readonly name: ArtifactName;
  readonly title: string;
  /** Of the first post that is here. */
  readonly user: string;
  readonly made: number;
  /** Seconds since the epoch of the last version of a post. */
  readonly changed: number;
  /** Each answer behind what it answers, older ones first. */
  readonly posts: readonly ShownPost[];
}

type Version = NamedFact<ForumFact>;

/** @param versions in the order in which they were made @returns the last changed thread first */
export function gatherThreads(versions: readonly Version[]): ForumThread[] {
  const firstOf = firstVersions(versions);
  const threads = new Map<ArtifactName, Map<ArtifactName, Version[]>>();
  for (const version of versions) {
    const { name, fact } = version;
    const first = firstOf.get(name) ?? name;
    const thread = fact.thread === undefined ? first : (firstOf.get(fact.thread) ?? fact.thread);
    const posts = threads.get(thread) ?? new Map<ArtifactName, Version[]>();
    threads.set(thread, posts);
    const same = posts.get(first);
    if (same === undefined) posts.set(first, [version]);
    else same.push(version);
  }
  return [...threads]
    .map(([name, posts]) => threadOf(name, posts, firstOf))
    .sort((one, other) => other.changed - one.changed || (one.name < other.name ? -1 : 1));
}

/** The first version of each post, by the name of any of its versions. */
function firstVersions(versions: readonly Version[]): ReadonlyMap<ArtifactName, ArtifactName> {
  const byName = new Map(versions.map(({ name, fact }) => [name, fact]));
  const first = new Map<ArtifactName, ArtifactName>();
  for (const { name } of versions) {
    const way = new Set<ArtifactName>();
    let at = name;
    for (;;) {
      const before = byName.get(at)?.replaces;
      way.add(at);
      // Hashes make no circles, but what is not there ends the way.
      if (first.has(at) || before === undefined || !byName.has(before) || way.has(before)) break;
      at = before;
    }
    const found = first.get(at) ?? at;
    for (const passed of way) first.set(passed, found);
  }
  return first;
}

function threadOf(
  name: ArtifactName,
  versionsOf: ReadonlyMap<ArtifactName, readonly Version[]>,
  firstOf: ReadonlyMap<ArtifactName, ArtifactName>,
): ForumThread {
  const answers = new Map<ArtifactName, ArtifactName[]>();
  const heads: ArtifactName[] = [];
  const parentOf = new Map<ArtifactName, ArtifactName>();
  for (const [post, versions] of versionsOf) {
    const answered = versions[0]?.fact.answers;
    const parent = answered === undefined ? undefined : (firstOf.get(answered) ?? answered);
    if (parent === undefined || parent === post || !versionsOf.has(parent)) heads.push(post);
    else {
      parentOf.set(post, parent);
      const siblings = answers.get(parent);
      if (siblings === undefined) answers.set(parent, [post]);
      else siblings.push(post);
    }
  }
  const posts: ShownPost[] = [];
  const seen = new Set<ArtifactName>();
  // What answers in a circle has no head; it comes last.
  const waiting = [...versionsOf.keys()].reverse().map((post) => ({ post, depth: 0 }));
  waiting.push(...heads.reverse().map((post) => ({ post, depth: 0 })));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { post, depth } = next;
    if (seen.has(post)) continue;
    seen.add(post);
    posts.push(shownPost(post, versionsOf.get(post) ?? [], parentOf.get(post), depth));
    const below = answers.get(post) ?? [];
    for (const answer of below.toReversed()) waiting.push({ post: answer, depth: depth + 1 });
  }
  const all = [...versionsOf.values()].flat();
  const titles = all.filter(({ fact }) => fact.title !== undefined);
  return {
    name,
    title: titles.at(-1)?.fact.title ?? '',
    user: posts[0]?.user ?? '',
    made: all.reduce((first, { fact }) => Math.min(first, fact.time), Number.POSITIVE_INFINITY),
    changed: all.reduce((last, { fact }) => Math.max(last, fact.time), 0),
    posts,
  };
}

function shownPost(
  name: ArtifactName,
  versions: readonly Version[],
  answers: ArtifactName | undefined,
  depth: number,
): ShownPost {
  const [first, last] = [versions[0], versions.at(-1)];
  if (first === undefined || last === undefined) throw new TypeError('a post without a version');
  const { user, time } = last.fact;
  return {
    name,
    artifact: last.name,
    user: first.fact.user,
    time: first.fact.time,
    edited: versions.length > 1 ? { user, time } : undefined,
    answers,
    depth,
    isDeleted: last.fact.isDeleted,
  };
}
