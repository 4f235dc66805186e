import type { ObjectType } from '../object-type.ts';

/** The links from one object to others. */

const SPACE = 0x20;
const ZERO = 0x30;
const ONE = 0x31;
const MODE_LENGTH = 6;
const TYPE_OF_FILE = 0o170_000;
const FOLDER = 0o040_000;
const SUBMODULE = 0o160_000;

/** Is called for a link: a raw id that begins at `at` in `bytes`. One buffer a link would cost too much. */
export type LinkVisitor = (bytes: Buffer, at: number) => void;

/** Is called for a tree entry: the file type bits of its mode, and where its raw id begins. */
type EntryVisitor = (fileType: number, bytes: Buffer, at: number) => void;

/**
 * Finds the subtrees of a tree.
 * @param idLength bytes of a raw id
 * @param visit is called with the raw id of each subtree
 * @param from where in the buffer the tree begins; it ends at `end`
 */
export function eachSubtree(
  tree: Buffer,
  idLength: number,
  visit: LinkVisitor,
  from = 0,
  end = tree.length,
): void {
  // As eachEntry, but without a call for each entry: a large push has millions of them, and most are files.
  let at = from;
  while (at < end) {
    let isFolder = false;
    if (isNoFolder(tree, at)) at += MODE_LENGTH + 1;
    else {
      let mode = 0;
      for (; at < end && tree[at] !== SPACE; at++) mode = ((mode << 3) + (tree[at] ?? 0) - ZERO) >>> 0;
      isFolder = (mode & TYPE_OF_FILE) === FOLDER;
    }
    while (at < end && tree[at] !== 0) at++;
    const id = at + 1;
    at = id + idLength;
    if (at > end) return;
    if (isFolder) visit(tree, id);
  }
}

/** True if six octal digits begin here, the first of them a 1, and a space follows: a file, a symbolic link or a submodule. */
function isNoFolder(tree: Buffer, at: number): boolean {
  return (
    tree[at] === ONE &&
    isDigit(tree[at + 1]) &&
    isDigit(tree[at + 2]) &&
    isDigit(tree[at + 3]) &&
    isDigit(tree[at + 4]) &&
    isDigit(tree[at + 5]) &&
    tree[at + MODE_LENGTH] === SPACE
  );
}

function isDigit(byte = 0): boolean {
  return (byte & 0xf8) === ZERO;
}

/** Reads modes as git does: any number of octal digits. Only the file type bits count. */
function eachEntry(tree: Buffer, idLength: number, from: number, end: number, visit: EntryVisitor): void {
  let at = from;
  while (at < end) {
    let mode = 0;
    for (; at < end && tree[at] !== SPACE; at++) mode = ((mode << 3) + (tree[at] ?? 0) - ZERO) >>> 0;
    while (at < end && tree[at] !== 0) at++;
    const id = at + 1;
    at = id + idLength;
    if (at > end) return;
    visit(mode & TYPE_OF_FILE, tree, id);
  }
}

/** If a tag's target is another tag, calls `visit` with its raw id. `from` and `end` bound the tag in its buffer. */
export function eachTag(tag: Buffer, visit: LinkVisitor, from = 0, end = tag.length): void {
  const head = tag.toString('latin1', from, Math.min(end, from + 128));
  const [, id] = /^object ([0-9a-f]{40,64})\ntype tag\n/.exec(head) ?? [];
  if (id !== undefined) visit(Buffer.from(id, 'hex'), 0);
}

/** Is called for a link to an object of a type. Its raw id begins at `at` in `bytes`. */
export type TypedLinkVisitor = (type: ObjectType, bytes: Buffer, at: number) => void;

/**
 * Finds all links from an object to objects of the same repository. Links to commits of submodules are left out.
 * @param idLength bytes of a raw id
 */
export function eachLink(type: ObjectType, content: Buffer, idLength: number, visit: TypedLinkVisitor): void {
  if (type === 'tree') eachOfTree(content, idLength, visit);
  else if (type === 'commit') eachOfCommit(content, visit);
  else if (type === 'tag') eachOfTag(content, visit);
}

function eachOfTree(tree: Buffer, idLength: number, visit: TypedLinkVisitor): void {
  eachEntry(tree, idLength, 0, tree.length, (fileType, bytes, at) => {
    if (fileType !== SUBMODULE) visit(fileType === FOLDER ? 'tree' : 'blob', bytes, at);
  });
}

/** A commit begins with its `tree` line, then its `parent` lines (git-commit-tree(1)). */
function eachOfCommit(commit: Buffer, visit: TypedLinkVisitor): void {
  const end = commit.indexOf('\nauthor ');
  const head = commit.toString('latin1', 0, end === -1 ? commit.length : end);
  for (const [, word, id = ''] of head.matchAll(/^(tree|parent) ([0-9a-f]{40,64})$/gm))
    visit(word === 'tree' ? 'tree' : 'commit', Buffer.from(id, 'hex'), 0);
}

function eachOfTag(tag: Buffer, visit: TypedLinkVisitor): void {
  const head = tag.subarray(0, 128).toString('latin1');
  const [, id, type] = /^object ([0-9a-f]{40,64})\ntype (commit|tree|blob|tag)\n/.exec(head) ?? [];
  if (id !== undefined) visit(type as ObjectType, Buffer.from(id, 'hex'), 0);
}
