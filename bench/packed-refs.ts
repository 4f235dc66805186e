/** A ref with its value, and for an annotated tag what it peels to. */
export interface PackedRef {
  readonly oid: string;
  readonly name: string;
  readonly peeled?: string;
}

const HEADER = '# pack-refs with: peeled fully-peeled sorted ';

/**
 * The text of a packed-refs file with more refs in it, none of which it has yet. Git keeps refs made by a push in a file
 * each until they are packed; 100,000 of them would show the disk and not the server.
 */
export function withRefs(text: string, added: readonly PackedRef[]): string {
  const refs = [...refsOf(text), ...added].toSorted((a, b) =>
    Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  );
  const lines = refs.flatMap(({ oid, name, peeled }) => [
    `${oid} ${name}`,
    ...(peeled === undefined ? [] : [`^${peeled}`]),
  ]);
  return `${[HEADER, ...lines].join('\n')}\n`;
}

function refsOf(text: string): PackedRef[] {
  return Array.from(
    text.matchAll(/^([0-9a-f]{40}) (.+)\n(?:\^([0-9a-f]{40})\n)?/gm),
    ([, oid = '', name = '', peeled]) => ({ oid, name, ...(peeled === undefined ? {} : { peeled }) }),
  );
}
