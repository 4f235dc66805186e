import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BRANCHES_ON_PAGE, listBranches } from '../../../../src/browse/refs/branches.ts';
import { countContributors } from '../../../../src/browse/refs/contributors.ts';
import { MOST_TIPS, ReachedCommits } from '../../../../src/browse/refs/reached-commits.ts';
import { listTags } from '../../../../src/browse/refs/tags.ts';
import { shortName } from '../../../../src/browse/revision.ts';
import { BrowseRig } from '../../../helpers/browse-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';

let rig: BrowseRig;
const seed = testSeed(15_064);

/** A history with merges, several roots and dates that lie, and branches at random places in it. */
beforeAll(async () => {
  rig = await BrowseRig.open();
  const random = new SeededRandom(seed);
  const lines: string[] = [];
  for (let at = 1; at <= 300; at++) {
    // Nearly all dates are in order.
    const time = 1_000_000 + (random.below(20) === 0 ? random.below(40_000) : at * 100);
    const who = ['Ann <ann@example.org>', 'Bob <bob@example.org>', 'BOB <Bob@example.org>'][random.below(3)];
    lines.push('commit refs/heads/main', `mark :${at}`, `author ${who} ${time} +0000`);
    lines.push(`committer C <c@example.org> ${time} +0000`, 'data 2', `x`, '');
    const parents = at === 1 || random.below(60) === 0 ? [] : [at - 1 - random.below(Math.min(at - 1, 12))];
    if (parents.length > 0 && random.below(4) === 0) parents.push(1 + random.below(at - 1));
    [...new Set(parents)].forEach((parent, index) => {
      lines.push(`${index === 0 ? 'from' : 'merge'} :${parent}`);
    });
    if (parents.length === 0) lines.push('deleteall');
  }
  for (let at = 0; at < 40; at++)
    lines.push(`reset refs/heads/side/${at}`, `from :${1 + random.below(300)}`, '');
  for (const tag of ['v1.10', 'v1.9', 'v1.10-rc1', 'v1.9.1', 'other'])
    lines.push(`reset refs/tags/${tag}`, `from :${1 + random.below(300)}`, '');
  lines.push('reset refs/heads/main', 'from :300', '', 'done', '');
  await rig.client.run(['fast-import', '--quiet', '--done', '--force'], { input: lines.join('\n') });
  const blob = (await rig.client.run(['hash-object', '-w', '--stdin'], { input: 'x' })).trim();
  await rig.client.run(['tag', '-a', '-m', 'Of a file', 'file-v0.1', blob]);
});
afterAll(() => rig[Symbol.asyncDispose]());

describe('branches', () => {
  it('have the distance from the default branch that git counts, on random histories', async () => {
    const view = await rig.view();
    const { branches, count } = await listBranches(view, 'recent', 0);
    expect(count).toBe(41);
    expect(branches).toHaveLength(41);
    expect(branches[0]).toMatchObject({ ref: 'refs/heads/main', apart: undefined });
    for (const { ref, apart } of branches.slice(1)) {
      const counted = await rig.client.run(['rev-list', '--left-right', '--count', `${ref}...main`]);
      const [ahead, behind] = counted.split('\t').map(Number);
      expect(apart, `${ref}, seed ${seed}`).toEqual({ ahead, behind, exact: true });
    }
  });

  it('are ordered by the dates of their last commits or by name, in pages', async () => {
    const view = await rig.view();
    const recent = await listBranches(view, 'recent', 0);
    const times = recent.branches.slice(1).map(({ last }) => last?.commit.committer.time ?? 0);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    const second = await listBranches(view, 'recent', 38);
    expect(second.branches.map(({ ref }) => ref)).toEqual(recent.branches.slice(38).map(({ ref }) => ref));
    const named = await listBranches(view, 'name', 1);
    const names = [...view.manifest.refs.keys()].filter((ref) => ref.startsWith('refs/heads/side/')).sort();
    expect(named.branches.map(({ ref }) => ref)).toEqual(names);
  });

  it('on one page are compared with the default branch at once', () => {
    expect(BRANCHES_ON_PAGE).toBeLessThan(MOST_TIPS);
    const tips = Array.from({ length: MOST_TIPS }, (_, at) => `tip ${at}`);
    const reached = new ReachedCommits(tips);
    for (const tip of tips) reached.add(tip, ['base']);
    expect(reached.met).toBe(true);
    expect(reached.apart()).toEqual(
      tips.map((_, at) => ({ ahead: at === 0 ? 0 : 1, behind: at === 0 ? 0 : 1, exact: true })),
    );
  });

  it('without a common commit in the walk are shown with a minimum distance', () => {
    const reached = new ReachedCommits(['main', 'old']);
    for (let at = 0; at < 10; at++) reached.add(at === 0 ? 'main' : `m${at}`, [`m${at + 1}`]);
    expect(reached.met).toBe(false);
    expect(reached.apart()[1]).toEqual({ ahead: 0, behind: 10, exact: false });
  });
});

describe('tags', () => {
  it('are ordered by version or by date, and may point at any type of object', async () => {
    const view = await rig.view();
    const { tags, count } = await listTags(view, 'version', 0);
    expect(count).toBe(6);
    expect(tags.map(({ ref }) => shortName(ref))).toEqual([
      'v1.10',
      'v1.10-rc1',
      'v1.9.1',
      'v1.9',
      'other',
      'file-v0.1',
    ]);
    expect(tags.at(-1)).toMatchObject({ commit: undefined, peeled: { type: 'blob' } });
    const dated = await listTags(view, 'date', 0);
    const times = dated.tags.map(({ commit }) => commit?.commit.committer.time ?? Number.NEGATIVE_INFINITY);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect((await listTags(view, 'version', 2, 2)).tags.map(({ ref }) => shortName(ref))).toEqual([
      'v1.9.1',
      'v1.9',
    ]);
  });
});

describe('contributors', () => {
  it('are counted by address, after the mailmap', async () => {
    const view = await rig.view();
    const tip = view.manifest.refs.get('refs/heads/main') ?? '';
    const { people, commits, cut } = await countContributors(view, tip);
    const counted = await rig.client.run(['log', '--format=%ae', tip]);
    const addresses = counted.split('\n').map((email) => email.toLowerCase());
    expect({ commits, cut }).toEqual({ commits: addresses.length, cut: false });
    for (const { email, commits: own } of people)
      expect(own).toBe(addresses.filter((address) => address === email.toLowerCase()).length);
    expect(people).toHaveLength(2);
    expect(people[0]?.commits).toBeGreaterThanOrEqual(people[1]?.commits ?? 0);
  });
});
