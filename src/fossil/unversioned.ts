/**
 * Unversioned files: names with content that has no history. The newest version of each wins everywhere, and two sides compare
 * their content by one hash.
 */
import { createHash } from 'node:crypto';
import type { ArtifactName } from './artifact-name.ts';

/** One unversioned file without its content. */
export interface UnversionedFile {
  readonly name: string;
  /** When it was last changed or deleted, in seconds since the epoch. */
  readonly time: number;
  /** The name of its content; undefined once the file is deleted. */
  readonly hash: ArtifactName | undefined;
  /** In bytes; 0 once it is deleted. */
  readonly size: number;
}

/**
 * Compares a version of a file on this side with one on the other side.
 *
 * | value | meaning |
 * | --- | --- |
 * | 0 | this side does not have the file |
 * | 1 | the other version replaces this one |
 * | 2 | the same content, and the other time is later |
 * | 3 | the same |
 * | 4 | the same content, and the time here is later |
 * | 5 | the version here replaces the other one |
 */
export type UnversionedStatus = 0 | 1 | 2 | 3 | 4 | 5;

/** The last second of the year 9999: later dates have no form that the catalogue's hash could be made of. */
const LATEST = 253_402_300_799;

/** Longest name in bytes of UTF-8. */
const LONGEST_NAME = 1_000;

/**
 * Compares two versions of one file: the later one wins, and of two versions of one second that with the greater hash. A
 * deletion counts as the hash `-`, which every hash is greater than.
 * @param local undefined if this side does not have the file
 */
export function compareUnversioned(
  local: Pick<UnversionedFile, 'time' | 'hash'> | undefined,
  remote: Pick<UnversionedFile, 'time' | 'hash'>,
): UnversionedStatus {
  if (local === undefined) return 0;
  if (local.hash === remote.hash) {
    if (local.time === remote.time) return 3;
    return local.time < remote.time ? 2 : 4;
  }
  if (local.time !== remote.time) return local.time < remote.time ? 1 : 5;
  return (local.hash ?? '-') < (remote.hash ?? '-') ? 1 : 5;
}

/** Whether a file may have this time: a whole number of seconds from 1970 to 9999. */
export function isUnversionedTime(time: number): boolean {
  return Number.isInteger(time) && time >= 0 && time <= LATEST;
}

/**
 * The hash that two sides compare first: SHA-1 over a line `NAME DATE TIME HASH` for each file that is not deleted, in the
 * order of the names' bytes.
 * @param files with times that {@link isUnversionedTime} accepts
 */
export function catalogueHash(files: Iterable<UnversionedFile>): string {
  const lines: { name: Buffer; line: string }[] = [];
  for (const { name, time, hash } of files) {
    if (hash === undefined) continue;
    const date = new Date(time * 1_000).toISOString();
    lines.push({
      name: Buffer.from(name),
      line: `${name} ${date.slice(0, 10)} ${date.slice(11, 19)} ${hash}\n`,
    });
  }
  lines.sort((one, other) => Buffer.compare(one.name, other.name));
  const sum = createHash('sha1');
  for (const { line } of lines) sum.update(line);
  return sum.digest('hex');
}

/**
 * Whether a file may have this name: a relative path without empty parts, `.` or `..`, of at most 1,000 bytes. White space,
 * control characters, backslashes, and characters that Fossil refuses in paths are not allowed: a stock client would end its
 * sync at such a name.
 */
export function isUnversionedName(name: string): boolean {
  if (name === '' || Buffer.byteLength(name) > LONGEST_NAME) return false;
  for (let at = 0; at < name.length; at++) if (!isAllowed(name.charCodeAt(at))) return false;
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** Fossil's `file_is_simple_pathname`: surrogates, so everything beyond U+FFFF, private use and non-characters are refused. */
function isAllowed(unit: number): boolean {
  if (unit <= 0x20 || unit === 0x5c || unit === 0x7f) return false;
  return unit < 0xd800 || (unit > 0xf8ff && !(unit >= 0xfdd0 && unit <= 0xfdef) && unit < 0xfffd);
}
