import { constants, inflateSync } from 'node:zlib';
import { deltaResultSize } from '../../../git/index.ts';
import { isCairnError, systemCode } from '../../../lib/errors.ts';

/** Deflated bytes of a delta in which its first numbers are found. A table of codes may come first, which takes some 300 at most. */
export const deltaStart = 512;

/**
 * The size that a delta gives to the object it makes, of which no more than the beginning is inflated.
 * @param deflated what follows the header of its entry; {@link deltaStart} bytes are enough
 * @returns bytes; undefined when it does not say so in its beginning, or is damaged
 */
export function sizeMadeBy(deflated: Buffer): number | undefined {
  const start = deflated.subarray(0, deltaStart);
  try {
    // Inflates the available bytes, without an error for the missing rest.
    return deltaResultSize(inflateSync(start, { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: 4096 }));
  } catch (error) {
    if (isCairnError(error, 'corrupt') || isZlibError(error)) return undefined;
    throw error;
  }
}

/** True for what zlib throws of bytes that cannot be inflated, or not to so few as they were to be. */
export function isZlibError(error: unknown): boolean {
  return /^(Z_|ERR_BUFFER_TOO_LARGE$)/.test(systemCode(error) ?? '');
}
