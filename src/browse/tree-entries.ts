import { type TreeEntry, treeEntries } from '../git/index.ts';
import { inBatches } from '../lib/cooperative.ts';

/**
 * The entries of a tree, in git's order. There may be half a million, which take a second: others run meanwhile.
 * @param content as git stores it
 * @param idLength bytes of a raw object id: 20 or 32
 */
export async function entriesOf(content: Buffer, idLength: number): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for await (const batch of inBatches(treeEntries(content, idLength))) {
    for (const entry of batch) entries.push(entry);
  }
  return entries;
}
