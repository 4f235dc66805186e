import type { RefEntries } from '../protocol/advertisement.ts';
import { applyChanges, packedRefLines } from './ref-segment.ts';
import type { RefTable } from './ref-table.ts';

/** The first line of a `packed-refs` file. */
export const packedRefsHeader = '# pack-refs with: peeled fully-peeled sorted \n';

/**
 * Encodes the content of a repository's `packed-refs` file: `refs` in byte order of their names, each annotated tag
 * followed by its peeled object id (`peeled`, by the name of the tag's ref). The header states exactly that, so git
 * searches by bisection and opens no object to peel it.
 */
export function encodePackedRefs(refs: RefEntries, peeled: ReadonlyMap<string, string>): Buffer {
  const lines = [packedRefsHeader];
  for (const [name, oid] of refs) {
    lines.push(`${oid} ${name}\n`);
    const target = peeled.get(name);
    if (target !== undefined) lines.push(`^${target}\n`);
  }
  return Buffer.from(lines.join(''));
}

/** The same file in pieces, for a table with very many refs: segments without changes are copied. */
export function* packedRefsOf(table: RefTable): Generator<Buffer, undefined> {
  yield Buffer.from(packedRefsHeader);
  for (const { segment, changes } of table.parts()) {
    yield applyChanges(segment, segment, changes, (entry) => Buffer.from(packedRefLines(entry)));
  }
  return undefined;
}
