import { CairnError } from '../../lib/errors.ts';

/** Types of entries (gitformat-pack). */
export const PACKED_COMMIT = 1;
export const PACKED_TREE = 2;
export const PACKED_BLOB = 3;
export const PACKED_TAG = 4;
/** A delta from an entry of the same pack, which its header names by the distance. */
export const PACKED_DELTA = 6;
const REF_DELTA = 7;

/** Upper bound of an entry's header in bytes: type, size, and the base of a delta. */
export const longestEntryHeader = 64;

/** The header of an entry of a pack. */
export interface PackEntryHeader {
  /** Type of the object; undefined for a delta. */
  readonly type: 1 | 2 | 3 | 4 | undefined;
  /** Inflated size of the entry in bytes: of the object, or of the delta. */
  readonly size: number;
  /** Bytes of the header. The deflated data follows it. */
  readonly length: number;
  /** For a delta, its base: the offset of an entry in the pack, or the raw id of an object. */
  readonly base?: number | Buffer;
}

/**
 * Bytes of a size, at most. git writes a size in its shortest form, and does not read one of ten bytes and more in a stored
 * pack, although `git index-pack` takes it in (`unpack_object_header_buffer` in packfile.c).
 */
const LONGEST_SIZE = 9;

/**
 * Reads the header of an entry (gitformat-pack, "Pack entries").
 * @param bytes holds at least {@link longestEntryHeader} bytes of the pack from `at` on, or all bytes up to its end
 * @param offset where the entry begins in its pack
 * @param idLength bytes of a raw id
 * @throws CairnError `corrupt` if it is not a header, or its size is not in the shortest form
 */
export function readPackEntryHeader(
  bytes: Buffer,
  at: number,
  offset: number,
  idLength: number,
): PackEntryHeader {
  let next = at;
  let byte = byteAt(bytes, next++);
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let unit = 16; byte & 0x80; unit *= 128) {
    byte = byteAt(bytes, next++);
    size += (byte & 0x7f) * unit;
    if (next - at > LONGEST_SIZE) throw paddedSize();
  }
  if (byte === 0 && next - at > 1) throw paddedSize();
  if (type === PACKED_COMMIT || type === PACKED_TREE || type === PACKED_BLOB || type === PACKED_TAG) {
    return { type, size, length: next - at };
  }
  if (type === PACKED_DELTA) {
    byte = byteAt(bytes, next++);
    let back = byte & 0x7f;
    while (byte & 0x80) {
      byte = byteAt(bytes, next++);
      back = (back + 1) * 128 + (byte & 0x7f);
    }
    return { type: undefined, size, length: next - at, base: offset - back };
  }
  if (type !== REF_DELTA) throw new CairnError('corrupt', `a pack has an entry of type ${type}`);
  const base = bytes.subarray(next, next + idLength);
  if (base.length < idLength) throw new CairnError('corrupt', 'a pack ends within the header of an entry');
  return { type: undefined, size, length: next - at + idLength, base };
}

function paddedSize(): CairnError {
  return new CairnError('corrupt', 'the size of an entry of a pack is not in its shortest form');
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new CairnError('corrupt', 'a pack ends within the header of an entry');
  return byte;
}
