/**
 * Entries of trees that git's checks have nothing to say about (git-fsck(1), fsck.c). Only the form that nearly all have is known here: what
 * is called odd may be good all the same, and git decides on it.
 */

/** What is known of an entry of a tree, by its mode and its name. */
export const FILE_ENTRY = 0;
/** The entry is a folder, or may be one. */
export const FOLDER_ENTRY = 1;
/** Git decides on the tree that has it, whenever its id changes. */
export const ODD_ENTRY = 2;

const SPACE = 0x20;
const SLASH = 0x2f;
const ZERO = 0x30;
const DOT = 0x2e;
const LOWER = 0x20;
const TYPE_OF_FILE = 0o170_000;
const FOLDER = 0o040_000;
/** `100644` and `100755`, `40000`. */
const FILES: readonly number[] = [0o100_644, 0o100_755];
const FILE_DIGITS = 6;
const FOLDER_DIGITS = 5;
/** Bytes of a longer name are not looked at. */
const LONGEST_NAME = 1_024;
/** What names begin with that mean something to git, without bytes above 127, which some file systems leave out. */
const SPECIAL = ['.git', '.mailmap'];

/**
 * Tells what an entry is.
 * @param bytes have its mode from `from` on, and its name up to `nameEnd`
 * @returns FILE_ENTRY or FOLDER_ENTRY, with ODD_ENTRY added unless mode and name are plain
 */
export function kindOfEntry(bytes: Uint8Array, from: number, nameEnd: number): number {
  let mode = 0;
  let at = from;
  for (; at < nameEnd && bytes[at] !== SPACE; at++) mode = ((mode << 3) + (bytes[at] ?? 0) - ZERO) >>> 0;
  if (at === nameEnd) return FOLDER_ENTRY + ODD_ENTRY;
  const kind = (mode & TYPE_OF_FILE) === FOLDER ? FOLDER_ENTRY : FILE_ENTRY;
  const isPlainMode =
    mode === FOLDER ? at - from === FOLDER_DIGITS : at - from === FILE_DIGITS && FILES.includes(mode);
  return isPlainMode && hasOctalDigits(bytes, from, at) && isPlainName(bytes, at + 1, nameEnd)
    ? kind
    : kind + ODD_ENTRY;
}

function hasOctalDigits(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (((bytes[at] ?? 0) & 0xf8) !== ZERO) return false;
  return true;
}

function isPlainName(bytes: Uint8Array, from: number, to: number): boolean {
  if (to === from || to - from > LONGEST_NAME) return false;
  let isAscii = true;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < SPACE || byte === SLASH || byte === 0x5c || byte === 0x7e || byte === 0x3a) return false;
    if (byte > 0x7e) isAscii = false;
  }
  return isAscii && bytes[from] !== DOT ? true : !isSpecial(bytes, from, to);
}

/** True if a name is `.`, `..`, or begins like one of git's own files, in whatever case. */
function isSpecial(bytes: Uint8Array, from: number, to: number): boolean {
  let name = '';
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) name += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + LOWER : byte);
  }
  return name === '.' || name === '..' || SPECIAL.some((special) => name.startsWith(special));
}

/** A name in a buffer. */
export interface EntryName {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/**
 * True if an entry may follow another one in a tree, whatever they are. False also where one name begins with the other one and goes on with
 * a character up to the slash: a file `a` and a folder `a` may then lie in the same tree, with `a-b` between them, which git refuses.
 */
export function followsPlainly(before: EntryName, after: EntryName): boolean {
  const length = before.to - before.from;
  const shorter = Math.min(length, after.to - after.from);
  let same = 0;
  while (same < shorter && before.bytes[before.from + same] === after.bytes[after.from + same]) same++;
  const next = after.bytes[after.from + same] ?? 0;
  if (same < shorter) return (before.bytes[before.from + same] ?? 0) < next;
  return same === length && same < after.to - after.from && next > SLASH;
}
