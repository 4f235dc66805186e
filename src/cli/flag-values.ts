/** Values of flags that are no settings, read in one way, and refused in one form. */
import { parseSize } from '../config/plain-values.ts';
import { CairnError } from '../lib/errors.ts';

/**
 * The error for a value that cannot be used.
 * @param flag with its dashes
 * @param expected what would be right, after `expected`
 */
export function badValue(flag: string, text: string, expected: string): CairnError {
  return new CairnError('invalid', `${flag} is ${JSON.stringify(text)}: expected ${expected}`);
}

/** A whole number. @throws CairnError `invalid` unless it is at least `least` */
export function countValue(flag: string, text: string, least = 1): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw badValue(flag, text, `a whole number from ${least}`);
}

/** A size in bytes, at least one. @throws CairnError `invalid` for anything else */
export function sizeValue(flag: string, text: string): number {
  const result = parseSize(text);
  if ('value' in result && result.value >= 1) return result.value;
  throw badValue(flag, text, 'a size such as 512MiB or 8GiB');
}
