import { deltaResultSize } from '../../../git/index.ts';
import { isCairnError, systemCode } from '../../../lib/errors.ts';
import { Inflater } from '../../../lib/inflate.ts';

/** Deflated bytes of a delta in which its first numbers are found. A table of codes may come first, which takes some 300 at most. */
export const deltaStart = 512;
/** Bytes of a delta in which both its numbers are: git looks no further. */
const NUMBERS = 20;

const inflater = new Inflater();
const numbers = new Uint8Array(NUMBERS);

/**
 * The size that a delta gives to the object it makes, of which no more than the beginning is inflated.
 * @param source has the deflated data from `from` on; {@link deltaStart} bytes of it are enough
 * @returns bytes; undefined when it does not say so in its beginning, or in another form than git does, or is damaged
 */
export function sizeMadeBy(source: Uint8Array, from: number): number | undefined {
  const to = Math.min(source.length, from + deltaStart);
  const count = inflater.inflateStart(source, from, to, numbers);
  try {
    return deltaResultSize(count === NUMBERS ? numbers : numbers.subarray(0, count));
  } catch (error) {
    if (isCairnError(error, 'corrupt')) return undefined;
    throw error;
  }
}

/** True for what zlib throws of bytes that cannot be inflated, or not to so few as they were to be. */
export function isZlibError(error: unknown): boolean {
  return /^(Z_|ERR_BUFFER_TOO_LARGE$)/.test(systemCode(error) ?? '');
}
