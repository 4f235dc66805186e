/** A part of a file that a request asks for (RFC 9110, section 14). */

/** Where a part begins, and how many bytes it has. */
export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * Reads a `Range` header with one range. Several ranges, other units and what cannot be read count as no header, as the
 * standard allows.
 * @param size bytes of the whole
 * @returns undefined for the whole; `none` if no byte of it is asked for (status 416)
 */
export function readByteRange(header: string | undefined, size: number): ByteRange | 'none' | undefined {
  const [, from, to] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'none' : { start: size - length, length };
  }
  const [start, last] = [Number(from), to === '' ? size - 1 : Number(to)];
  if (to !== '' && last < start) return undefined;
  return start >= size ? 'none' : { start, length: Math.min(last, size - 1) - start + 1 };
}

/** The `Content-Range` of an answer. */
export function contentRange(range: ByteRange | 'none', size: number): string {
  return range === 'none'
    ? `bytes */${size}`
    : `bytes ${range.start}-${range.start + range.length - 1}/${size}`;
}
