/** What an entry of a tree is. */
export type EntryKind = 'folder' | 'file' | 'executable' | 'symlink' | 'submodule';

/** An entry of a tree. */
export interface TreeEntry {
  /** A name is bytes; a path of the web has them percent-encoded. */
  readonly name: Buffer;
  readonly kind: EntryKind;
  readonly oid: string;
}

const SPACE = 0x20;

/**
 * Reads the entries of a tree, in git's order, one after the other.
 * @param content as git stores it
 * @param idLength bytes of a raw object id: 20 or 32
 */
export function* treeEntries(content: Buffer, idLength: number): Generator<TreeEntry, void, undefined> {
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(SPACE, at);
    const end = content.indexOf(0, space);
    if (space === -1 || end === -1) break;
    const next = end + 1 + idLength;
    yield {
      name: content.subarray(space + 1, end),
      kind: kindOf(Number.parseInt(content.toString('latin1', at, space), 8)),
      oid: content.toString('hex', end + 1, next),
    };
    at = next;
  }
}

/**
 * Finds one entry without reading the others: a folder may have a hundred thousand.
 * @returns undefined if there is none of that name
 */
export function findInTree(content: Buffer, idLength: number, name: Buffer): TreeEntry | undefined {
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(SPACE, at);
    const end = content.indexOf(0, space);
    if (space === -1 || end === -1) return undefined;
    const next = end + 1 + idLength;
    if (end - space - 1 === name.length && content.compare(name, 0, name.length, space + 1, end) === 0) {
      return {
        name,
        kind: kindOf(Number.parseInt(content.toString('latin1', at, space), 8)),
        oid: content.toString('hex', end + 1, next),
      };
    }
    at = next;
  }
  return undefined;
}

/** The kind of a mode, as git reads it: the file type bits, and for files whether the owner may run it. */
function kindOf(mode: number): EntryKind {
  switch (mode & 0o170_000) {
    case 0o040_000:
      return 'folder';
    case 0o120_000:
      return 'symlink';
    case 0o160_000:
      return 'submodule';
    default:
      return (mode & 0o100) === 0 ? 'file' : 'executable';
  }
}
