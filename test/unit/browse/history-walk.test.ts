import { expect, it } from 'vitest';
import { commitGraphOf } from '../../../src/browse/commit-graphs.ts';
import { listHistory } from '../../../src/browse/history.ts';
import { HISTORY_BOUNDS, type HistoryBounds, walkHistory } from '../../../src/browse/history-walk.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const COMMITS = 120;
const ENDLESS: HistoryBounds = { commits: 10_000, reads: 10_000 };

/** Commits with up to eight parents anywhere before them, and clocks that are wrong. @returns their ids */
async function randomHistory(rig: BrowseRig, random: SeededRandom): Promise<string[]> {
  // Few dates are often equal, many are often out of order.
  const [spread, skew] = [random.pick([1, 5, 1_000]), random.pick([0, 10, 300])];
  let stream = '';
  for (let at = 1; at <= COMMITS; at++) {
    const parents = new Set<number>();
    const most = random.pick([1, 1, 1, 2, 3, 8]);
    while (at > 1 && parents.size < Math.min(most, at - 1)) {
      parents.add(random.below(3) === 0 ? 1 + random.below(at - 1) : Math.max(1, at - 1 - random.below(6)));
    }
    const date = 1_700_000_000 + Math.floor(at / spread) + random.below(skew + 1);
    const [first, ...others] = random.below(40) === 0 ? [] : parents;
    stream += `reset refs/heads/b${at}\ncommit refs/heads/b${at}\nmark :${at}\ncommitter A <a@b> ${date} +0000\ndata ${String(at).length}\n${at}\n`;
    if (first !== undefined) stream += `from :${first}\n`;
    for (const other of others) stream += `merge :${other}\n`;
  }
  await rig.client.run(['fast-import', '--quiet', '--force'], { input: stream });
  const listed = await rig.client.run([
    'rev-parse',
    ...Array.from({ length: COMMITS }, (_, at) => `b${at + 1}`),
  ]);
  return listed.trim().split('\n');
}

it('a walk lists what rev-list lists, in its order: wrong clocks, merges, graphs that have some of the commits', async () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  for (let world = 0; world < 8; world++) {
    await using rig = await BrowseRig.open(random.pick(['sha1', 'sha256'] as const));
    const commits = await randomHistory(rig, random);
    const some = random.pick([0, 1, COMMITS / 2, COMMITS]);
    if (some > 0) {
      await rig.client.run(['commit-graph', 'write', '--stdin-commits'], {
        input: `${commits.slice(0, some).join('\n')}\n`,
      });
    }
    const view = await rig.view();
    const graph = await commitGraphOf(view);
    expect(graph === undefined).toBe(some === 0);
    for (let at = 0; at < 8; at++) {
      const tip = at === 0 ? (commits.at(-1) ?? '') : random.pick(commits);
      const firstParent = random.below(4) === 0;
      const listed = await rig.client.run(['rev-list', ...(firstParent ? ['--first-parent'] : []), tip]);
      const all = listed.trim().split('\n');
      for (const skip of [0, random.below(all.length + 2)]) {
        const count = random.pick([1, 10, COMMITS + 1]);
        const found = await walkHistory(view, graph, tip, { firstParent, skip, count }, ENDLESS);
        expect(found, `seed ${seed}, world ${world}, ${tip}`).toEqual(all.slice(skip, skip + count));
      }
    }
    expect(rig.started).toEqual(some === COMMITS ? [] : ['cat-file']);
  }
});

it('where versions of git disagree about a date, or it is before 1970, git finds the order', async () => {
  await using rig = await BrowseRig.open();
  await rig.client.commit('Begin', { a: '1\n' });
  const tree = (await rig.client.run(['rev-parse', 'main^{tree}'])).trim();
  let parent = await rig.client.oidOf('main');
  const odd = [
    '> -5 +0000',
    '> 99999999999 +0000',
    '> 5 > 1700000000 +0000',
    '> 1700000000',
    '>',
    '> x +0000',
  ];
  for (const end of odd) {
    const text = `tree ${tree}\nparent ${parent}\nauthor A <a@b> 5 +0000\ncommitter A <a@b${end}\n\nodd\n`;
    const write = ['hash-object', '-t', 'commit', '-w', '--literally', '--stdin'];
    parent = (await rig.client.run(write, { input: text })).trim();
    const view = await rig.view();
    const part = { firstParent: false, skip: 0, count: 50 };
    expect(await walkHistory(view, undefined, parent, part), end).toBeUndefined();
    const { commits } = await listHistory(view, { from: [parent], ...part });
    const expected = (await rig.client.run(['rev-list', parent])).trim().split('\n');
    expect(commits.map(({ oid }) => oid)).toEqual(expected);
  }
});

it('a walk ends at each of its bounds, and without an object, and then git lists the commits', async () => {
  const random = new SeededRandom(testSeed());
  await using rig = await BrowseRig.open();
  await rig.client.commit('Begin', { a: '1\n' });
  for (let at = 0; at < 6; at++)
    await rig.client.commit(`Change ${at} ${random.hex(4)}`, { a: `${at} ${random.hex(4)}\n` });
  const tip = await rig.client.oidOf('main');
  const view = await rig.view();
  const walk = (bounds: Partial<HistoryBounds>, skip = 0) =>
    walkHistory(
      view,
      undefined,
      tip,
      { firstParent: false, skip, count: 5 },
      { ...HISTORY_BOUNDS, ...bounds },
    );
  expect(await walk({ reads: 4 })).toBeUndefined();
  expect(await walk({ commits: 4 })).toBeUndefined();
  expect(await walk({ commits: 7 }, 3)).toBeUndefined();
  expect(await walk({ commits: 8, reads: 3 }, 3)).toHaveLength(4);
  expect(await walk({ commits: 5, reads: 0 })).toHaveLength(5);
  const missing = '1'.repeat(40);
  expect(
    await walkHistory(view, undefined, missing, { firstParent: false, skip: 0, count: 5 }),
  ).toBeUndefined();
  await expect(listHistory(view, { from: [missing], count: 5, skip: 0 })).rejects.toMatchObject({
    kind: 'unavailable',
  });
  const gone = new AbortController();
  gone.abort(new Error('gone'));
  const left = { ...view, signal: gone.signal };
  await expect(
    listHistory(left, { from: [await rig.client.commit('New', { a: 'new\n' })], count: 5, skip: 0 }),
  ).rejects.toThrow('gone');
});
