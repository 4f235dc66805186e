import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CommitGraph } from '../../../../src/git/index.ts';
import { BrowseRig } from '../../../helpers/browse-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';

const COMMITS = 40;
/** A date that takes more than 32 bits. */
const LATE = 2 ** 33 + 5;

/** A history with a merge of eight parents, and its graph. */
async function graphFile(rig: BrowseRig): Promise<Buffer> {
  let stream = '';
  const commit = (branch: string, at: number, more = '') => {
    stream += `commit refs/heads/${branch}\ncommitter A <a@b> ${at === 100 ? LATE : 1_700_000_000 + at} +0000\ndata 1\nx\n${more}M 100644 inline d/${at}\ndata 1\nx\n`;
  };
  for (let at = 0; at < COMMITS; at++) commit('main', at);
  for (let at = 1; at < 8; at++) commit(`side-${at}`, COMMITS + at, 'from refs/heads/main\n');
  commit('main', 100, [1, 2, 3, 4, 5, 6, 7].map((at) => `merge refs/heads/side-${at}\n`).join(''));
  await rig.client.run(['fast-import', '--quiet'], { input: stream });
  await rig.client.run(['commit-graph', 'write', '--reachable', '--changed-paths']);
  return readFile(join(rig.client.folder, '.git/objects/info/commit-graph'));
}

it.each(['sha1', 'sha256'] as const)('a commit-graph of git is read, with %s', async (format) => {
  await using rig = await BrowseRig.open(format);
  const graph = CommitGraph.parse(await graphFile(rig), format === 'sha1' ? 20 : 32);
  const listed = await rig.client.run(['log', '--all', '--format=%H %T %ct %P']);
  for (const line of listed.trim().split('\n')) {
    const [oid = '', tree, date, ...parents] = line.split(' ').filter((id) => id !== '');
    const place = graph?.find(oid) ?? -1;
    expect(graph?.idOf(place)).toBe(oid);
    expect(graph?.treeOf(place)).toBe(tree);
    expect(graph?.dateOf(place)).toBe(Number(date));
    expect(graph?.parentsOf(place).map((parent) => graph.idOf(parent))).toEqual(parents);
    const names = ['log', '-1', '-m', '--first-parent', '--name-only', '--format=', oid];
    const changed = (await rig.client.run(names)).trim();
    for (const path of ['d', ...changed.split('\n')].filter((one) => one !== '')) {
      const key = graph?.keyOf(Buffer.from(path));
      expect(key === undefined || graph?.mayChange(place, key), `${path} in ${oid}`).toBe(true);
    }
  }
  expect(graph?.count).toBe(COMMITS + 8);
  expect(graph?.find('0'.repeat(40))).toBeUndefined();
  expect(graph?.find('12')).toBeUndefined();
  const key = graph?.keyOf(Buffer.from('d/never'));
  const doubtful = [...Array(COMMITS + 8).keys()].filter(
    (place) => key !== undefined && graph?.mayChange(place, key),
  );
  expect(doubtful.length).toBeLessThan(COMMITS / 4);
});

it('a file that is cut or changed anywhere is refused, or gives answers within its bounds', async () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  await using rig = await BrowseRig.open();
  const whole = await graphFile(rig);
  for (let at = 0; at < 400; at++) {
    const content = Buffer.from(at % 4 === 0 ? whole.subarray(0, random.below(whole.length)) : whole);
    if (content.length > 0) content[random.below(at % 2 === 0 ? 120 : content.length)] = random.below(256);
    const graph = CommitGraph.parse(content, 20);
    const key = graph?.keyOf(Buffer.from('d/1'));
    for (let place = 0; graph !== undefined && place < graph.count; place++) {
      for (const parent of graph.parentsOf(place)) expect(parent, `seed ${seed}`).toBeLessThan(graph.count);
      if (key !== undefined) graph.mayChange(place, key);
      graph.find(graph.idOf(place));
    }
  }
});
