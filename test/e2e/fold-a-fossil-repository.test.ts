import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileObjectStore } from '../../src/object-store/file/file.ts';
import { runCommand } from '../helpers/command.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { FOSSIL_ID, FossilRig, namesOf, whole } from '../helpers/fossil-rig.ts';
import type { CommandResult } from '../helpers/git-client.ts';
import { tempDir } from '../helpers/temp-dir.ts';

it('cairn fold folds Fossil repositories, too', async () => {
  await using folder = await tempDir();
  const data = join(folder.path, 'data');
  const cairn = (...args: string[]): Promise<CommandResult> =>
    runCommand([...args, '--store', `file:${data}`]);
  const artifacts = Array.from({ length: 17 }, (_, at) => whole(`text ${at}`));
  const store = await FileObjectStore.open(data);
  const rig = await new FossilRig({ store: new FaultyStore(store) }).create();
  for (const artifact of artifacts) await rig.push([artifact]);
  await store.close();

  const name = `${FOSSIL_ID.owner}/${FOSSIL_ID.identifier}`;
  expect(await cairn('fold', '--all')).toEqual({
    exitCode: 0,
    stdout: `${name}\tfolded: 17 packs became one, 17 records in it\n`,
    stderr: '',
  });
  expect((await cairn('fold', name)).stdout).toBe('nothing to do\n');

  const after = await FileObjectStore.open(data);
  const bag = await new FossilRig({ store: new FaultyStore(after) }).bag();
  expect(namesOf(bag)).toEqual(artifacts.map((artifact) => artifact.name).sort());
  await after.close();
});
