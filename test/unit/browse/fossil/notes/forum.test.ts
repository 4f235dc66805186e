import { expect, it } from 'vitest';
import { gatherThreads } from '../../../../../src/browse/fossil/notes/forum.ts';
import type { ForumFact, NamedFact } from '../../../../../src/browse/fossil/notes/note-fact.ts';
import { type ArtifactName, parseArtifactName } from '../../../../../src/fossil/artifact-name.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { testSeed } from '../../../../helpers/test-seed.ts';

const seed = testSeed();

function nameOf(number: number): ArtifactName {
  const name = parseArtifactName(number.toString(16).padStart(64, '0'));
  if (name === undefined) throw new TypeError('not a name');
  return name;
}

let instant = 0;

function version(name: ArtifactName, fact: Partial<ForumFact>): NamedFact<ForumFact> {
  instant += 1_000;
  const none = {
    thread: undefined,
    answers: undefined,
    replaces: undefined,
    title: undefined,
    isDeleted: false,
  };
  return { name, fact: { is: 'forum', user: 'ann', time: instant / 1_000, instant, ...none, ...fact } };
}

it('each post is shown once, as its last version, behind what it answers', () => {
  const random = new SeededRandom(seed);
  const versions: NamedFact<ForumFact>[] = [];
  /** By the name of a version, what it is expected to be. */
  const posts = new Map<
    ArtifactName,
    { thread: ArtifactName; post: ArtifactName; parent: ArtifactName | undefined }
  >();
  for (let at = 1; at <= 400; at++) {
    const name = nameOf(at);
    const before = versions.length === 0 ? undefined : random.pick(versions);
    const known = before === undefined ? undefined : posts.get(before.name);
    const kind = random.below(10);
    if (before === undefined || known === undefined || kind === 0) {
      versions.push(version(name, { title: `Thread ${at}` }));
      posts.set(name, { thread: name, post: name, parent: undefined });
    } else if (kind < 4) {
      const thread = known.post === known.thread ? undefined : known.thread;
      versions.push(version(name, { thread, replaces: before.name, answers: before.fact.answers }));
      posts.set(name, known);
    } else {
      versions.push(version(name, { thread: known.thread, answers: before.name }));
      posts.set(name, { thread: known.thread, post: name, parent: known.post });
    }
  }
  const threads = gatherThreads(versions);
  const expected = new Map<ArtifactName, NamedFact<ForumFact>>();
  for (const each of versions) expected.set(posts.get(each.name)?.post ?? each.name, each);
  const shown = threads.flatMap((thread) => thread.posts.map((post) => ({ thread, post })));
  expect(shown.map(({ post }) => post.name).sort(), `CAIRN_TEST_SEED=${seed}`).toEqual(
    [...expected.keys()].sort(),
  );
  for (const { thread, post } of shown) {
    const known = posts.get(post.name);
    expect(thread.name).toBe(known?.thread);
    expect(post.artifact).toBe(expected.get(post.name)?.name);
    expect(post.answers).toBe(known?.parent);
    const parent = thread.posts.findIndex(({ name }) => name === known?.parent);
    expect(parent).toBeLessThan(thread.posts.indexOf(post));
    expect(post.depth).toBe(parent === -1 ? 0 : (thread.posts[parent]?.depth ?? 0) + 1);
  }
  expect(threads.map(({ changed }) => changed)).toEqual(
    threads.map(({ changed }) => changed).sort((a, b) => b - a),
  );
});

it('posts in circles, long chains of edits and deep threads are shown', () => {
  const [one, other, third] = [nameOf(1), nameOf(2), nameOf(3)];
  const circle = gatherThreads([
    version(one, { thread: third, answers: other }),
    version(other, { thread: third, answers: one }),
    version(third, { replaces: third, answers: third }),
  ]);
  expect(circle.map(({ posts }) => posts.length)).toEqual([3]);
  const chain = (fact: (before: ArtifactName) => Partial<ForumFact>) =>
    gatherThreads(
      Array.from({ length: 20_000 }, (_, at) =>
        version(nameOf(at + 1), at === 0 ? { title: 'A' } : fact(nameOf(at))),
      ),
    );
  const edits = (before: ArtifactName) => ({ replaces: before });
  expect(chain(edits)).toMatchObject([{ name: one, posts: [{ artifact: nameOf(20_000) }] }]);
  // Dates may say the contrary.
  expect(
    gatherThreads(
      [...Array(20_000).keys()]
        .reverse()
        .map((at) => version(nameOf(at + 1), at === 0 ? {} : edits(nameOf(at)))),
    ),
  ).toMatchObject([{ name: one }]);
  const [deep] = chain((before) => ({ thread: one, answers: before }));
  expect(deep?.posts.at(-1)).toMatchObject({ name: nameOf(20_000), depth: 19_999 });
});
