import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodePackedRefs, RefTable } from '../../../../src/git/index.ts';
import { PackedRefsFiles } from '../../../../src/repository/snapshot/packed-refs-files.ts';
import { oid } from '../../../helpers/repository-rig.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

const refs = new Map(Array.from({ length: 6_000 }, (_, at) => [`refs/tags/${at}`, oid('1')] as const));
const peeled = new Map([['refs/tags/17', oid('2')]]);

it('packed-refs is written once for all snapshots of the same refs, and has the same content as for few refs', async () => {
  await using folder = await tempDir();
  const files = new PackedRefsFiles(join(folder.path, 'packed-refs'));
  const table = RefTable.from('sha1', refs, peeled);
  const targets = [0, 1, 2].map((number) => join(folder.path, `snapshot-${number}`));
  await Promise.all(targets.map((target) => files.link(table, target)));
  const links = await Promise.all(targets.map((target) => stat(target)));
  expect(new Set(links.map(({ ino }) => ino)).size).toBe(1);
  const expected = encodePackedRefs(RefTable.from('sha1', refs, peeled).refs, peeled);
  expect((await readFile(targets[0] ?? '')).equals(expected)).toBe(true);

  const changed = table.with([
    { name: 'refs/tags/17', oid: undefined },
    { name: 'refs/tags/18', oid: oid('3'), peeled: oid('4') },
  ]);
  const target = join(folder.path, 'changed');
  await files.link(changed, target);
  expect((await readFile(target)).equals(encodePackedRefs(changed.refs, changed.peeled))).toBe(true);
});

it('packed-refs is written again if it was last used long ago', async () => {
  await using folder = await tempDir();
  const files = new PackedRefsFiles(join(folder.path, 'packed-refs'));
  const table = RefTable.from('sha1', refs, peeled);
  await files.link(table, join(folder.path, 'first'));
  let other = table;
  for (let number = 0; number < 20; number++) {
    other = other.with([{ name: `refs/heads/${number}`, oid: oid('1') }]);
    await files.link(other, join(folder.path, `other-${number}`));
  }
  expect((await stat(join(folder.path, 'first'))).nlink).toBe(1);
  await files.link(table, join(folder.path, 'again'));
  const [first, again] = await Promise.all(
    ['first', 'again'].map((name) => readFile(join(folder.path, name))),
  );
  expect(again?.equals(first ?? Buffer.alloc(0))).toBe(true);
});
