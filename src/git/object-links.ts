/** What one object links to, as far as chains of links can be long: trees in trees, tags of tags. */

const SPACE = 0x20;
const ZERO = 0x30;
const TYPE_OF_FILE = 0o170_000;
const FOLDER = 0o040_000;

/** Hears of a link: a raw id that begins at an offset of a buffer. A million of them are too many for an object each. */
export type HearLink = (bytes: Buffer, at: number) => void;

/**
 * Finds the trees in a tree. A mode is read as git reads it: any number of octal digits, of which the bits for the type of
 * file count.
 * @param idLength bytes of a raw id
 * @param hear is called with the raw id of each of them
 * @param from where in the buffer the tree begins, and `end` where it ends
 */
export function eachSubtree(
  tree: Buffer,
  idLength: number,
  hear: HearLink,
  from = 0,
  end = tree.length,
): void {
  let at = from;
  while (at < end) {
    let mode = 0;
    for (; at < end && tree[at] !== SPACE; at++) mode = ((mode << 3) + (tree[at] ?? 0) - ZERO) >>> 0;
    while (at < end && tree[at] !== 0) at++;
    const id = at + 1;
    at = id + idLength;
    if (at > end) return;
    if ((mode & TYPE_OF_FILE) === FOLDER) hear(tree, id);
  }
}

/** Finds the tag that a tag, which lies in a buffer as a tree does above, is of; nothing for a tag of anything else. */
export function eachTag(tag: Buffer, hear: HearLink, from = 0, end = tag.length): void {
  const head = tag.toString('latin1', from, Math.min(end, from + 128));
  const [, id] = /^object ([0-9a-f]{40,64})\ntype tag\n/.exec(head) ?? [];
  if (id !== undefined) hear(Buffer.from(id, 'hex'), 0);
}
