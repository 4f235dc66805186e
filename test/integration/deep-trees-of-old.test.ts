/** A repository from before trees were bounded, which holds one that is too deep: it goes on, and nothing deeper is added. */
import { expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { CraftedPack } from '../helpers/craft-pack.ts';
import { GitClient } from '../helpers/git-client.ts';
import { plantPack } from '../helpers/plant-pack.ts';
import {
  commitObject,
  objectId,
  push,
  pushHead,
  type RawObject,
  reportOf,
  treeObject,
} from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const FILE: RawObject = { type: 'blob', content: Buffer.from('a file\n') };
const FLAT = treeObject('file', objectId(FILE));

function folderOf(name: string, tree: RawObject): RawObject {
  const line = Buffer.concat([Buffer.from(`40000 ${name}\0`), Buffer.from(objectId(tree), 'hex')]);
  return { type: 'tree', content: line };
}

it('pushes beside an old tree that is too deep are accepted, and those that build on it are refused (issue 11, point 2)', async () => {
  await using folder = await tempDir();
  const store = new MemoryObjectStore();
  await using app = await startServer({ store, overrides: { background: false } });
  const url = repositoryUrl(app, 'old');
  const root = commitObject(objectId(FLAT));
  const pushed = async (ref: string, tip: RawObject, objects: readonly RawObject[]) => {
    const head = pushHead([{ name: `refs/heads/${ref}`, to: objectId(tip) }]);
    return reportOf(await push(url, Buffer.concat([head, new CraftedPack().all(objects).bytes()])));
  };
  expect(await pushed('main', root, [root, FLAT, FILE])).toEqual(['unpack ok', 'ok refs/heads/main']);

  // As it was pushed when there was no bound: 400 folders within each other.
  const trees = [FLAT];
  while (trees.length < 400) trees.push(folderOf('d', trees.at(-1) as RawObject));
  const deepest = trees.at(-1) as RawObject;
  const deep = commitObject(objectId(deepest), [], 'Deep');
  await plantPack(app, store, repositoryId(OWNER, 'old'), 'refs/heads/deep', [deep, ...trees, FILE]);

  const beside = folderOf('d', trees[100] as RawObject);
  const fine = commitObject(objectId(beside), [objectId(deep)], 'Not so deep');
  expect(await pushed('fine', fine, [fine, beside])).toEqual(['unpack ok', 'ok refs/heads/fine']);
  const same = commitObject(objectId(deepest), [objectId(deep)], 'The same again');
  expect(await pushed('same', same, [same])).toEqual(['unpack ok', 'ok refs/heads/same']);
  const above = folderOf('d', deepest);
  const worse = commitObject(objectId(above), [objectId(deep)], 'Deeper');
  expect((await pushed('worse', worse, [worse, above]))[0]).toBe(
    `unpack tree ${objectId(above)} is more than 256 folders deep`,
  );
  const copy = await new GitClient(folder.path).clone(url, 'copy', '--mirror');
  expect(await copy.run(['fsck', '--full'])).toBe('');
});
