import { refsStartingWith, tableOf } from '../git/index.ts';
import { compareBytes } from '../lib/byte-order.ts';

/**
 * The branch that HEAD names after refs have changed. HEAD stays while its branch exists, or while there are no branches.
 * Otherwise it moves to main, master, or the first branch by name.
 */
export function headAfter(head: string, refs: ReadonlyMap<string, string>): string {
  if (refs.has(head)) return head;
  for (const usual of ['refs/heads/main', 'refs/heads/master']) {
    if (refs.has(usual)) return usual;
  }
  let first: string | undefined;
  for (const [name] of refsStartingWith(refs, 'refs/heads/')) {
    if (first === undefined || compareBytes(name, first) < 0) first = name;
    // A table is sorted.
    if (tableOf(refs) !== undefined) break;
  }
  return first ?? head;
}
