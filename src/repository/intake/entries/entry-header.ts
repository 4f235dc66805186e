import { type PackEntryHeader, readPackEntryHeader } from '../../../git/index.ts';
import { isCairnError } from '../../../lib/errors.ts';

/**
 * Reads the header of an entry, as {@link readPackEntryHeader} does.
 * @returns undefined where none is, or one in another form than git writes
 */
export function entryHeaderAt(
  bytes: Buffer,
  at: number,
  offset: number,
  idLength: number,
): PackEntryHeader | undefined {
  try {
    return readPackEntryHeader(bytes, at, offset, idLength);
  } catch (error) {
    if (isCairnError(error, 'corrupt')) return undefined;
    throw error;
  }
}
