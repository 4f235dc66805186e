/**
 * Commits that git's checks have nothing to say about (git-fsck(1), fsck.c). Only the form that nearly all have is known here: one that is not
 * plain may be good all the same, and git decides on it.
 */

const NEWLINE = 0x0a;
const SPACE = 0x20;
const LESS = 0x3c;
const GREATER = 0x3e;
const ZERO = 0x30;
const NINE = 0x39;
const PLUS = 0x2b;
const MINUS = 0x2d;
/** Digits of a number of seconds: until the year 2286. */
const MOST_DIGITS = 10;
const ZONE_DIGITS = 4;

const TREE = bytesOf('tree ');
const PARENT = bytesOf('parent ');
const AUTHOR = bytesOf('author ');
const COMMITTER = bytesOf('committer ');

/** Is called for the tree of a commit and for each parent, with where the id begins: hex digits, in lower case. */
export type CommitLinkVisitor = (isParent: boolean, at: number) => void;

/**
 * Reads a commit.
 * @param bytes have it from `from` to `to`
 * @param hexLength digits of an id
 * @returns true if it is plain; then `visit` was called for all that it links to
 */
export function readPlainCommit(
  bytes: Uint8Array,
  from: number,
  to: number,
  hexLength: number,
  visit: CommitLinkVisitor,
): boolean {
  let at = lineWithId(bytes, from, to, TREE, hexLength);
  if (at === -1) return false;
  visit(false, from + TREE.length);
  for (;;) {
    const end = lineWithId(bytes, at, to, PARENT, hexLength);
    if (end === -1) break;
    visit(true, at + PARENT.length);
    at = end;
  }
  at = lineWithPerson(bytes, at, to, AUTHOR);
  if (at === -1) return false;
  at = lineWithPerson(bytes, at, to, COMMITTER);
  return at !== -1 && hasMessage(bytes, at, to);
}

function bytesOf(text: string): readonly number[] {
  return [...text].map((character) => character.charCodeAt(0));
}

function startsWith(bytes: Uint8Array, at: number, to: number, word: readonly number[]): boolean {
  if (at + word.length > to) return false;
  for (let place = 0; place < word.length; place++) if (bytes[at + place] !== word[place]) return false;
  return true;
}

/** @returns where the next line begins, or -1 */
function lineWithId(
  bytes: Uint8Array,
  from: number,
  to: number,
  word: readonly number[],
  hexLength: number,
): number {
  const begin = from + word.length;
  const end = begin + hexLength;
  if (end >= to || bytes[end] !== NEWLINE || !startsWith(bytes, from, to, word)) return -1;
  for (let at = begin; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (!((byte >= ZERO && byte <= NINE) || (byte >= 0x61 && byte <= 0x66))) return -1;
  }
  return end + 1;
}

/** Reads `name <address> seconds zone`. @returns where the next line begins, or -1 */
function lineWithPerson(bytes: Uint8Array, from: number, to: number, word: readonly number[]): number {
  if (!startsWith(bytes, from, to, word)) return -1;
  const name = from + word.length;
  const address = endOfText(bytes, name, to);
  if (bytes[address] !== LESS || address <= name + 1 || bytes[address - 1] !== SPACE) return -1;
  let at = endOfText(bytes, address + 1, to);
  if (bytes[at] !== GREATER || bytes[at + 1] !== SPACE) return -1;
  at += 2;
  const seconds = endOfDigits(bytes, at, to);
  const digits = seconds - at;
  if (digits === 0 || digits > MOST_DIGITS || (digits > 1 && bytes[at] === ZERO)) return -1;
  if (bytes[seconds] !== SPACE) return -1;
  const sign = bytes[seconds + 1];
  if (sign !== PLUS && sign !== MINUS) return -1;
  const zone = endOfDigits(bytes, seconds + 2, to);
  return zone - seconds - 2 === ZONE_DIGITS && zone < to && bytes[zone] === NEWLINE ? zone + 1 : -1;
}

/** Where the next `<`, `>`, line end or NUL is, or `to`. */
function endOfText(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  for (; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === LESS || byte === GREATER || byte === NEWLINE || byte === 0) break;
  }
  return at < to ? at : to - 1;
}

function endOfDigits(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] ?? 0) >= ZERO && (bytes[at] ?? 0) <= NINE) at++;
  return at;
}

/** True if an empty line ends the header, and there is no NUL. @param from where a line begins */
function hasMessage(bytes: Uint8Array, from: number, to: number): boolean {
  let isMessage = false;
  for (let at = from; at < to; at++) {
    if (bytes[at] === 0) return false;
    if (bytes[at] === NEWLINE && bytes[at - 1] === NEWLINE) isMessage = true;
  }
  return isMessage;
}
