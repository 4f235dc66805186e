import { compareBytes, refsStartingWith, tableOf } from '../git/index.ts';

/**
 * The branch HEAD names after refs have changed. As long as HEAD's branch exists, or no branch does, HEAD stays; an
 * unborn HEAD takes its own target, else main, master, the first by name.
 */
export function headAfter(head: string, refs: ReadonlyMap<string, string>): string {
  if (refs.has(head)) return head;
  for (const usual of ['refs/heads/main', 'refs/heads/master']) {
    if (refs.has(usual)) return usual;
  }
  let first: string | undefined;
  for (const [name] of refsStartingWith(refs, 'refs/heads/')) {
    if (first === undefined || compareBytes(name, first) < 0) first = name;
    // A table is in order.
    if (tableOf(refs) !== undefined) break;
  }
  return first ?? head;
}
