import { expect, it } from 'vitest';
import { languagesOf } from '../../../src/browse/languages/languages.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const FILES = ['a.ts', 'b.c', 'c.min.js', 'notes.md', 'Makefile', 'd.PY', 'none'];
const FOLDERS = ['', 'src/', 'src/deep/', 'src/vendor/', 'vendor/', 'node_modules/x/', 'x y/', 'é/'];

it('languages are the same from a list of all files as from the sums of changed folders', async () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  await using rig = await BrowseRig.open();
  const { client } = rig;
  const kept = new Map<string, string>();
  const expected = () => {
    const sizes: Record<string, number> = {};
    const names: Record<string, string> = {
      'a.ts': 'TypeScript',
      'b.c': 'C',
      Makefile: 'Makefile',
      'd.PY': 'Python',
    };
    for (const [path, content] of kept) {
      const language = names[path.slice(path.lastIndexOf('/') + 1)];
      if (language === undefined || /(?:vendor|node_modules)\//.test(path)) continue;
      sizes[language] = (sizes[language] ?? 0) + content.length;
    }
    return sizes;
  };
  const found = async () => {
    const tree = (await client.run(['rev-parse', 'main^{tree}'])).trim();
    const shares = await languagesOf(await rig.view(), tree);
    expect(shares.map(({ bytes }) => bytes)).toEqual(shares.map(({ bytes }) => bytes).sort((a, b) => b - a));
    return Object.fromEntries(shares.map(({ name, bytes }) => [name, bytes]));
  };
  const change = async (files: readonly string[]) => {
    for (const file of files) kept.set(file, `${random.hex(8)}${'x'.repeat(random.below(300))}`);
    await client.commit('Change', Object.fromEntries(files.map((file) => [file, kept.get(file) ?? ''])));
  };
  // So many folders that they are listed.
  const many = Array.from({ length: 20 }, (_, at) => `many-${at}/a.ts`);
  await change([...FOLDERS.flatMap((folder) => FILES.map((file) => `${folder}${file}`)), ...many]);
  expect(await found(), `seed ${seed}`).toEqual(expected());
  expect(rig.started).toContain('ls-tree');
  rig.started.length = 0;
  for (let at = 0; at < 5; at++) {
    await change([`${random.pick(FOLDERS)}${random.pick(FILES)}`, random.pick(many)]);
    expect(await found(), `seed ${seed}, change ${at}`).toEqual(expected());
  }
  expect(rig.started).not.toContain('ls-tree');
});
