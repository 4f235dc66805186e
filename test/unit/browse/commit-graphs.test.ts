import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commitGraphOf } from '../../../src/browse/commit-graphs.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';

it('a commit-graph that is missing, empty or cut is read again', async () => {
  await using rig = await BrowseRig.open();
  const { client } = rig;
  const path = join(client.folder, '.git/objects/info/commit-graph');
  const damages = [
    () => rm(path, { force: true }),
    () => writeFile(path, ''),
    (graph: Buffer) => writeFile(path, graph.subarray(0, graph.length - 1)),
  ];
  for (const [count, damage] of damages.entries()) {
    await client.commit(`${count}`);
    await client.run(['commit-graph', 'write', '--reachable']);
    const graph = await readFile(path);
    const view = await rig.view();
    await rm(path, { force: true });
    await damage(graph);
    expect(await commitGraphOf(view)).toBeUndefined();
    await rm(path, { force: true });
    await writeFile(path, graph);
    const whole = await commitGraphOf(view);
    expect(whole?.count).toBe(count + 1);
    expect(await commitGraphOf(await rig.view())).toBe(whole);
  }
});
