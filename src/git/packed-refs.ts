import type { RefEntries } from './advertisement.ts';

/**
 * The content of a repository's `packed-refs` file: `refs` in byte order of their names, each annotated tag
 * followed by what it points at (`peeled`, by the name of the tag's ref). The header promises exactly that, so
 * that git searches by bisection and opens no object to peel.
 */
export function encodePackedRefs(refs: RefEntries, peeled: ReadonlyMap<string, string>): Buffer {
  const lines = ['# pack-refs with: peeled fully-peeled sorted \n'];
  for (const [name, oid] of refs) {
    lines.push(`${oid} ${name}\n`);
    const target = peeled.get(name);
    if (target !== undefined) lines.push(`^${target}\n`);
  }
  return Buffer.from(lines.join(''));
}
