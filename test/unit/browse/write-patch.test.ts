import { expect, it } from 'vitest';
import { writePatch } from '../../../src/browse/downloads/write-patch.ts';
import { printWholeDiff } from '../../../src/git-process/download-commands.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';

it('a patch that is too large breaks off, and never looks complete', async () => {
  await using rig = await BrowseRig.open();
  const { client } = rig;
  await client.commit('One', { a: 'one\n' });
  await client.commit('Two', { a: 'two\n'.repeat(100_000) });
  const [from, to] = [
    await client.run(['rev-parse', 'main~1^{tree}']),
    await client.run(['rev-parse', 'main^{tree}']),
  ];
  const view = await rig.view();
  const write = async (most: number) => {
    let size = 0;
    const sink = {
      write: async (chunk: Uint8Array) => {
        size += chunk.length;
        return true;
      },
    };
    await writePatch(view, printWholeDiff(await view.gitDir(), from, to), '', sink, most);
    return size;
  };
  const whole = await write(10_000_000);
  expect(whole).toBeGreaterThan(500_000);
  await expect(write(whole - 1)).rejects.toMatchObject({ kind: 'too-large' });
});
