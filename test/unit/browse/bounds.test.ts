/** What pages read has bounds, which a repository of 21,000 commits, 10,000 branches and 100,000 files meets. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readTree } from '../../../src/browse/objects.ts';
import { BRANCHES_ON_PAGE, listBranches } from '../../../src/browse/refs/branches.ts';
import { countContributors, MOST_COUNTED } from '../../../src/browse/refs/contributors.ts';
import { MOST_SORTED } from '../../../src/browse/refs/order-by-date.ts';
import { listTags } from '../../../src/browse/refs/tags.ts';
import type { RepositoryView } from '../../../src/browse/repository-view.ts';
import { searchCode } from '../../../src/browse/search/search-code.ts';
import { searchCommits } from '../../../src/browse/search/search-commits.ts';
import { searchPaths } from '../../../src/browse/search/search-paths.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';

const COMMITS = 21_000;
const FILES = 100_000;

let rig: BrowseRig;
let commits: string[];
let tree: string;

beforeAll(async () => {
  rig = await BrowseRig.open();
  const stream: string[] = [];
  for (let at = 0; at < COMMITS; at++)
    stream.push(`commit refs/heads/main\ncommitter N <n@example.org> ${1_000_000 + at} +0000\ndata 2\nx\n`);
  await rig.client.run(['fast-import', '--quiet', '--done'], { input: `${stream.join('')}done\n` });
  commits = (await rig.client.run(['rev-list', 'main'])).split('\n');
  const blob = await rig.client.run(['hash-object', '-w', '--stdin'], { input: 'a needle\n' });
  const entries = Array.from({ length: FILES }, (_, at) => `100644 blob ${blob}\tfile-${at}.txt\n`).join('');
  tree = await rig.client.run(['mktree', '--missing'], { input: entries });
});
afterAll(() => rig[Symbol.asyncDispose]());

/** A state with refs that are in no file. */
async function viewWith(refs: Iterable<readonly [string, string]>): Promise<RepositoryView> {
  const view = await rig.view();
  return { ...view, manifest: { ...view.manifest, refs: new Map([...view.manifest.refs, ...refs]) } };
}

/** Milliseconds: a busy machine must not change what is found. */
const FOREVER = 60_000;

it('10,000 branches are sorted, paged and compared with the default branch', async () => {
  const names = Array.from({ length: 10_000 }, (_, at) => `refs/heads/b/${String(at).padStart(5, '0')}`);
  const view = await viewWith(names.map((name, at) => [name, commits[2 * at] ?? '']));
  const first = await listBranches(view, 'recent', 0, FOREVER);
  expect(first.count).toBe(10_001);
  expect(first.branches).toHaveLength(BRANCHES_ON_PAGE);
  // Half of a page is younger than the bound of what is shown exactly.
  expect(first.branches[3]?.apart).toEqual({ ahead: 0, behind: 4, exact: true });
  const last = await listBranches(view, 'recent', 10_000, FOREVER);
  expect(last.branches.map(({ ref, apart }) => [ref, apart])).toEqual([
    ['refs/heads/b/09999', { ahead: 0, behind: 19_998, exact: true }],
  ]);
  expect((await listBranches(view, 'name', 5_001, FOREVER)).branches[0]?.ref).toBe('refs/heads/b/05000');
});

it('refs beyond the limit of sorting are in order of their names, and the page says so', async () => {
  const refs = (folder: string) =>
    Array.from({ length: MOST_SORTED + 10 }, (_, at): [string, string] => [
      `refs/${folder}/${String(at).padStart(6, '0')}`,
      commits[at % COMMITS] ?? '',
    ]);
  const branches = await listBranches(await viewWith(refs('heads')), 'recent', MOST_SORTED);
  expect(branches.byName).toBe(true);
  expect(branches.branches[0]?.ref).toBe('refs/heads/019999');
  const tags = await listTags(await viewWith(refs('tags')), 'version', 5, 2);
  expect({ byName: tags.byName, count: tags.count }).toEqual({ byName: true, count: MOST_SORTED + 10 });
  expect(tags.tags.map(({ ref }) => ref)).toEqual(['refs/tags/020004', 'refs/tags/020003']);
});

it('contributors are counted in the last 20,000 commits, and commits are searched newest first', async () => {
  const view = await rig.view();
  const [tip = ''] = commits;
  expect(await countContributors(view, tip)).toMatchObject({ commits: MOST_COUNTED, cut: true });
  const found = await searchCommits(view, { from: tip, query: 'x', author: '', path: [] });
  expect(found.cut).toBe(true);
  expect(found.commits.map(({ oid }) => oid)).toEqual(commits.slice(0, 100));
  const none = await searchCommits(view, { from: tip, query: 'nothing', author: '', path: [] });
  expect(none).toEqual({ commits: [], searched: COMMITS, cut: false });
});

it('a search in a folder of 100,000 files covers all paths, and the code of some', async () => {
  const view = await rig.view();
  expect(await readTree(view, tree)).toHaveLength(FILES);
  const paths = await searchPaths(view, tree, 'f99999');
  expect(paths.paths[0]?.text).toBe('file-99999.txt');
  expect(paths.cut).toBe(false);
  const all = await searchPaths(view, tree, 'f');
  expect({ shown: all.paths.length, count: all.count }).toEqual({ shown: 100, count: FILES });
  const code = await searchCode(view, tree, 'needle');
  expect({ files: code.files.length, cut: code.cut }).toEqual({ files: 100, cut: true });
});

it('a search ends when its visitor leaves', async () => {
  const visit = new AbortController();
  const view = await rig.view(visit.signal);
  const searching = searchCode(view, tree, 'needle');
  visit.abort(new Error('gone'));
  await expect(searching).rejects.toThrow('gone');
});
