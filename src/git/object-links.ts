/** What one object links to, as far as chains of links can be long: trees in trees, tags of tags. */

const SPACE = 0x20;
const ZERO = 0x30;
const TYPE_OF_FILE = 0o170_000;
const FOLDER = 0o040_000;

/**
 * The raw ids of the trees in a tree. A mode is read as git reads it: any number of octal digits, of which the bits for the
 * type of file count.
 */
export function* subtreesOf(tree: Buffer, idLength: number): Generator<Buffer, void, undefined> {
  let at = 0;
  while (at < tree.length) {
    let mode = 0;
    for (; at < tree.length && tree[at] !== SPACE; at++) mode = ((mode << 3) + (tree[at] ?? 0) - ZERO) >>> 0;
    const nameEnd = tree.indexOf(0, at);
    if (nameEnd === -1 || nameEnd + 1 + idLength > tree.length) return;
    at = nameEnd + 1 + idLength;
    if ((mode & TYPE_OF_FILE) === FOLDER) yield tree.subarray(nameEnd + 1, at);
  }
}

/** The raw id of the tag that a tag is of; nothing for a tag of anything else. */
export function* tagsOf(tag: Buffer): Generator<Buffer, void, undefined> {
  const head = tag.subarray(0, 128).toString('latin1');
  const [, id] = /^object ([0-9a-f]{40,64})\ntype tag\n/.exec(head) ?? [];
  if (id !== undefined) yield Buffer.from(id, 'hex');
}
