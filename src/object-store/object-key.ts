import { CairnError } from '../lib/errors.ts';
import type { PutMode } from './object-store.ts';

const PRINTABLE = /^[\x20-\x7e]*$/;
const LONGEST_KEY = 1024;

/**
 * Checks a key against the contract: printable ASCII, segments separated by `/`, no segment empty, `.` or `..`.
 * @throws CairnError `invalid`
 */
export function checkKey(key: string): void {
  const problem = keyProblem(key);
  if (problem !== undefined) throw new CairnError('invalid', `object key ${JSON.stringify(key)}: ${problem}`);
}

/** Whether a string is a valid key. */
export function isKey(text: string): boolean {
  return keyProblem(text) === undefined;
}

function keyProblem(key: string): string | undefined {
  if (key.length === 0) return 'it is empty';
  if (key.length > LONGEST_KEY) return `longer than ${LONGEST_KEY} bytes`;
  if (!PRINTABLE.test(key)) return 'only printable ASCII is allowed';
  for (const segment of key.split('/')) {
    if (segment === '') return 'it has an empty segment';
    if (segment === '.' || segment === '..') return `it has the segment "${segment}"`;
  }
  return undefined;
}

/**
 * Checks that a prefix or a start-after has only the characters of keys. Unlike a key it may be empty or end
 * anywhere.
 * @throws CairnError `invalid`
 */
export function checkKeyPart(part: string): void {
  if (!PRINTABLE.test(part) || part.length > LONGEST_KEY) {
    throw new CairnError('invalid', `${JSON.stringify(part)} cannot be the beginning of an object key`);
  }
}

/**
 * Refuses an empty version token. No object has one, and S3 would read it as "no condition".
 * @throws CairnError `invalid`
 */
export function checkMode(mode: PutMode): void {
  if (mode.mode === 'replace' && mode.version === '') {
    throw new CairnError('invalid', 'a replace needs the version it replaces');
  }
}

/**
 * Checks that offset and length of a range are whole, non-negative numbers.
 * @throws CairnError `invalid`
 */
export function checkRange(range: { readonly offset: number; readonly length: number } | undefined): void {
  if (range === undefined) return;
  for (const number of [range.offset, range.length]) {
    if (!Number.isSafeInteger(number) || number < 0) {
      throw new CairnError('invalid', `${number} is no offset or length of bytes`);
    }
  }
}

/** The part of `size` bytes that `range` covers. A range beyond the end is cut. */
export function clipRange(
  size: number,
  range: { readonly offset: number; readonly length: number } | undefined,
): { readonly offset: number; readonly length: number } {
  if (range === undefined) return { offset: 0, length: size };
  const offset = Math.min(range.offset, size);
  return { offset, length: Math.min(range.length, size - offset) };
}
