/** What one object links to. */

const SPACE = 0x20;
const ZERO = 0x30;
const TYPE_OF_FILE = 0o170_000;
const FOLDER = 0o040_000;
const SUBMODULE = 0o160_000;

/** Hears of a link: a raw id that begins at an offset of a buffer. A million of them are too many for an object each. */
export type HearLink = (bytes: Buffer, at: number) => void;

/** Hears of the entry of a tree: the bits of its mode for the type of file, and where its raw id begins. */
type HearEntry = (fileType: number, bytes: Buffer, at: number) => void;

/**
 * Finds the trees in a tree.
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
  eachEntry(tree, idLength, from, end, (fileType, bytes, at) => {
    if (fileType === FOLDER) hear(bytes, at);
  });
}

/** A mode is read as git reads it: any number of octal digits, of which the bits for the type of file count. */
function eachEntry(tree: Buffer, idLength: number, from: number, end: number, hear: HearEntry): void {
  let at = from;
  while (at < end) {
    let mode = 0;
    for (; at < end && tree[at] !== SPACE; at++) mode = ((mode << 3) + (tree[at] ?? 0) - ZERO) >>> 0;
    while (at < end && tree[at] !== 0) at++;
    const id = at + 1;
    at = id + idLength;
    if (at > end) return;
    hear(mode & TYPE_OF_FILE, tree, id);
  }
}

/** Finds the tag that a tag, which lies in a buffer as a tree does above, is of; nothing for a tag of anything else. */
export function eachTag(tag: Buffer, hear: HearLink, from = 0, end = tag.length): void {
  const head = tag.toString('latin1', from, Math.min(end, from + 128));
  const [, id] = /^object ([0-9a-f]{40,64})\ntype tag\n/.exec(head) ?? [];
  if (id !== undefined) hear(Buffer.from(id, 'hex'), 0);
}

/** The types of objects, in git's words. */
export type LinkedType = 'commit' | 'tree' | 'blob' | 'tag';

/** Hears of a link to an object of a type; `at` is where its raw id begins in `bytes`. */
export type HearTypedLink = (type: LinkedType, bytes: Buffer, at: number) => void;

/**
 * Finds all that an object links to and that has to be in the same repository: commits of submodules are elsewhere.
 * @param idLength bytes of a raw id
 */
export function eachLink(type: LinkedType, content: Buffer, idLength: number, hear: HearTypedLink): void {
  if (type === 'tree') eachOfTree(content, idLength, hear);
  else if (type === 'commit') eachOfCommit(content, hear);
  else if (type === 'tag') eachOfTag(content, hear);
}

function eachOfTree(tree: Buffer, idLength: number, hear: HearTypedLink): void {
  eachEntry(tree, idLength, 0, tree.length, (fileType, bytes, at) => {
    if (fileType !== SUBMODULE) hear(fileType === FOLDER ? 'tree' : 'blob', bytes, at);
  });
}

/** The lines `tree` and `parent` come first, in this order (git-commit-tree(1)). */
function eachOfCommit(commit: Buffer, hear: HearTypedLink): void {
  const end = commit.indexOf('\nauthor ');
  const head = commit.toString('latin1', 0, end === -1 ? commit.length : end);
  for (const [, word, id = ''] of head.matchAll(/^(tree|parent) ([0-9a-f]{40,64})$/gm))
    hear(word === 'tree' ? 'tree' : 'commit', Buffer.from(id, 'hex'), 0);
}

function eachOfTag(tag: Buffer, hear: HearTypedLink): void {
  const head = tag.subarray(0, 128).toString('latin1');
  const [, id, type] = /^object ([0-9a-f]{40,64})\ntype (commit|tree|blob|tag)\n/.exec(head) ?? [];
  if (id !== undefined) hear(type as LinkedType, Buffer.from(id, 'hex'), 0);
}
