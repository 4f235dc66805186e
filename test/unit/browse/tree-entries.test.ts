import { expect, it } from 'vitest';
import { entriesOf } from '../../../src/browse/tree-entries.ts';
import { treeEntries } from '../../../src/git/index.ts';

/** A tree of SHA-1 with so many files. */
function tree(count: number): Buffer {
  const id = Buffer.alloc(20, 0xab);
  return Buffer.concat(
    Array.from({ length: count }, (_, at) => Buffer.concat([Buffer.from(`100644 ${at}\0`), id])),
  );
}

it('reading a folder of very many entries yields to other work', async () => {
  const content = tree(50_000);
  let turns = 0;
  let reading = true;
  const count = () => {
    if (!reading) return;
    turns++;
    setImmediate(count);
  };
  setImmediate(count);
  const entries = await entriesOf(content, 20);
  reading = false;
  expect(turns).toBeGreaterThan(10);
  expect(entries).toEqual([...treeEntries(content, 20)]);
});
