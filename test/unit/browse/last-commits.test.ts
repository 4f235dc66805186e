import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commitGraphOf } from '../../../src/browse/commit-graphs.ts';
import { EntryWalk, WALK_BOUNDS } from '../../../src/browse/last-commits/entry-walk.ts';
import { lastCommits } from '../../../src/browse/last-commits/last-commits.ts';
import { findPath, readCommit, readTree } from '../../../src/browse/objects.ts';
import type { RepositoryView } from '../../../src/browse/repository-view.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const FOREVER = 60_000;
const FILES = ['a/x', 'a/y', 'a/deep/z', 'a b/x', 'ab/x', 'ä/ö', 'top'];
const FOLDERS = ['', 'a', 'a/deep', 'ä'];

/**
 * A history in folders whose names begin alike; one file is changed by the first commit alone.
 * @param mergeEvery commits until a branch is begun or merged; undefined for a line of commits
 */
async function history(rig: BrowseRig, random: SeededRandom, mergeEvery?: number): Promise<void> {
  let stream = '';
  const write = (branch: string, at: number, more: string) => {
    const changed = at === 1 ? [...FILES, 'a/old'] : [random.pick(FILES)];
    // Few contents, so that changes are undone, and two sides agree by chance.
    const lines = changed.map((file) => {
      const content = mergeEvery === undefined ? String(at) : String(random.below(2));
      return `M 100${random.below(9) === 0 ? 755 : 644} inline "${file}"\ndata ${content.length}\n${content}\n`;
    });
    stream += `commit refs/heads/${branch}\ncommitter A <a@b> ${1_700_000_000 + at} +0000\ndata 1\nx\n${more}${lines.join('')}`;
  };
  for (let at = 1; at <= 700; at++) {
    const step = mergeEvery === undefined ? 1 : at % mergeEvery;
    if (step === 0) write('main', at, 'merge refs/heads/side\n');
    else if (step === 3) write('side', at, 'from refs/heads/main\n');
    else write(step > 3 && random.below(2) === 0 ? 'side' : 'main', at, '');
  }
  await rig.client.run(['fast-import', '--quiet', '--force'], { input: stream });
}

/** Compares every folder's last commits with those that git finds one by one. */
async function check(rig: BrowseRig, view: RepositoryView, commit: string, seed: number): Promise<void> {
  const { tree } = (await readCommit(view, commit)).commit;
  for (const folder of FOLDERS) {
    const path = folder === '' ? [] : folder.split('/').map((name) => Buffer.from(name));
    const entries = await readTree(view, (await findPath(view, tree, path)).oid);
    const found = await lastCommits(view, commit, path, entries, FOREVER);
    for (const { name } of entries) {
      const whole = [...path, name].map(String).join('/');
      const expected = await rig.client.run(['log', '-1', '--format=%H', commit, '--', whole]);
      expect(found.get(name.toString('latin1')), `seed ${seed}, ${whole} in ${commit}`).toBe(expected.trim());
    }
  }
}

it('the last commit of each entry is the one that git finds, with and without filters of changed paths', async () => {
  const seed = testSeed();
  await using rig = await BrowseRig.open();
  await history(rig, new SeededRandom(seed));
  const [tip = '', older = ''] = (await rig.client.run(['rev-list', 'main'])).split('\n');
  await check(rig, await rig.view(), tip, seed);
  await rig.client.run(['commit-graph', 'write', '--reachable', '--changed-paths']);
  await check(rig, await rig.view(), older, seed);
});

it('the last commits of entries are found through merges, without a process if there are filters', async () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  await using rig = await BrowseRig.open(random.pick(['sha1', 'sha256'] as const));
  await history(rig, random, 12);
  await rig.client.run(['commit-graph', 'write', '--reachable', '--changed-paths']);
  const view = await rig.view();
  const commits = (await rig.client.run(['rev-list', 'main'])).trim().split('\n');
  for (const commit of [commits[0] ?? '', random.pick(commits), random.pick(commits)]) {
    await check(rig, view, commit, seed);
  }
  expect(rig.started).toEqual(['cat-file']);
});

it('a walk ends at each of its bounds and says so, and git finds the rest', async () => {
  const seed = testSeed();
  await using rig = await BrowseRig.open();
  await history(rig, new SeededRandom(seed));
  const commit = (await rig.client.oidOf('main')).trim();
  const walk = async (bounds: Partial<typeof WALK_BOUNDS>, timeout = new AbortController().signal) => {
    const view = await rig.view();
    const entries = await readTree(view, (await readCommit(view, commit)).commit.tree);
    const graph = await commitGraphOf(view);
    const options = { view, graph, folder: [], knownAt: () => undefined, timeout };
    return new EntryWalk({ ...options, bounds: { ...WALK_BOUNDS, ...bounds } }).run(commit, entries);
  };
  expect(await walk({ roundsWithoutFilters: 1_000 }), `seed ${seed}`).toBe(true);
  expect(await walk({ roundsWithoutFilters: 3 })).toBe(false);
  expect(await walk({ roundsWithoutFilters: 1_000, objects: 3 })).toBe(false);
  expect(await walk({ roundsWithoutFilters: 1_000, bytes: 300 })).toBe(false);
  expect(await walk({}, AbortSignal.abort())).toBe(false);
  await rig.client.run(['commit-graph', 'write', '--reachable', '--changed-paths']);
  expect(await walk({})).toBe(true);
  expect(await walk({ rounds: 0 })).toBe(false);
  expect(await walk({ looks: 3 })).toBe(false);
});

it('results from a repository with missing objects are not remembered for other repositories', async () => {
  await using damaged = await BrowseRig.open();
  await using whole = await BrowseRig.open();
  for (const { client } of [damaged, whole]) {
    const stream = ['a', 'b', 'c'].map(
      (file, at) =>
        `commit refs/heads/main\ncommitter A <a@b> ${1_700_000_000 + at} +0000\ndata 1\nxM 100644 inline ${file}\ndata 1\n${file}\n`,
    );
    await client.run(['-c', 'fastimport.unpackLimit=100', 'fast-import', '--quiet'], {
      input: stream.join(''),
    });
  }
  const [tip = '', , oldest = ''] = (await whole.client.run(['rev-list', 'main'])).split('\n');
  await rm(join(damaged.client.folder, '.git/objects', oldest.slice(0, 2), oldest.slice(2)));
  const find = async (rig: BrowseRig) => {
    const cuts: string[] = [];
    const view = { ...(await rig.view()), onCut: () => void cuts.push('cut') };
    const entries = await readTree(view, (await readCommit(view, tip)).commit.tree);
    const found = await lastCommits(view, tip, [], entries, FOREVER);
    return { count: found.size, isCut: cuts.length > 0 };
  };
  expect((await find(damaged)).isCut).toBe(true);
  expect(await find(whole)).toEqual({ count: 3, isCut: false });
  expect((await find(damaged)).count).toBe(3);
});

it('a walk continues from the result of an older commit, so that a push costs no full walk', async () => {
  const seed = testSeed();
  await using rig = await BrowseRig.open();
  await history(rig, new SeededRandom(seed));
  await check(rig, await rig.view(), (await rig.client.oidOf('main')).trim(), seed);
  for (const [at, file] of ['a/x', 'top'].entries()) {
    await rig.client.run(['reset', '--quiet', '--hard', 'main']);
    await rig.client.commit(`Change ${at}`, { [file]: `changed ${at}\n` });
  }
  rig.started.length = 0;
  await check(rig, await rig.view(), (await rig.client.oidOf('main')).trim(), seed);
  expect(rig.started).toEqual(['cat-file']);
});
