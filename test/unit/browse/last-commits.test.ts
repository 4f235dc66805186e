import { expect, it } from 'vitest';
import { lastCommits } from '../../../src/browse/history.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

const FOREVER = 60_000;

/** A history of 700 commits in folders whose names begin alike; one file is changed by the first commit alone. */
async function history(rig: BrowseRig, random: SeededRandom): Promise<void> {
  const files = ['a/x', 'a/y', 'a/deep/z', 'a b/x', 'ab/x', 'ä/ö', 'top'];
  let stream = '';
  for (let at = 1; at <= 700; at++) {
    const changed = at === 1 ? [...files, 'a/old'] : [random.pick(files)];
    const lines = changed.map((file) => `M 100644 inline "${file}"\ndata ${String(at).length}\n${at}\n`);
    stream += `commit refs/heads/main\ncommitter A <a@b> ${1_700_000_000 + at} +0000\ndata 1\nx\n${lines.join('')}`;
  }
  await rig.client.run(['fast-import', '--quiet'], { input: stream });
}

it('finds the commit that git finds, for each entry, with and without filters of changed paths', async () => {
  const seed = Math.floor(Math.random() * 1e9);
  await using rig = await BrowseRig.open();
  await history(rig, new SeededRandom(seed));
  const view = await rig.view();
  const commit = (await rig.client.run(['rev-parse', 'main'])).trim();
  const folders: readonly (readonly [folder: string, names: readonly string[]])[] = [
    ['', ['a', 'a b', 'ab', 'ä', 'top']],
    ['a', ['x', 'y', 'deep', 'old']],
    ['a/deep', ['z']],
    ['ä', ['ö']],
  ];
  const check = async () => {
    for (const [folder, names] of folders) {
      const path = folder === '' ? [] : folder.split('/').map((name) => Buffer.from(name));
      const found = await lastCommits(
        view,
        commit,
        path,
        names.map((name) => Buffer.from(name)),
        FOREVER,
      );
      for (const name of names) {
        const whole = folder === '' ? name : `${folder}/${name}`;
        const expected = await rig.client.run(['log', '-1', '--format=%H', 'main', '--', whole]);
        const oid = found.get(Buffer.from(name).toString('latin1'));
        expect(oid, `seed ${seed}, ${whole}`).toBe(expected.trim());
      }
    }
  };
  await check();
  await rig.client.run(['commit-graph', 'write', '--reachable', '--changed-paths']);
  await check();
});
