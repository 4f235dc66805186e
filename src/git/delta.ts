import { CairnError } from '../lib/errors.ts';

/** Up to this many bytes are copied one by one, which is faster than a call of `copyWithin`. */
const FEW = 24;

/**
 * The size of the object that a delta produces, in bytes (gitformat-pack, "Deltified representation").
 * @throws CairnError `corrupt` if it is not a delta
 */
export function deltaResultSize(delta: Uint8Array): number {
  return numberAt(delta, behindNumber(delta, 0));
}

/**
 * Applies a delta and writes the result directly after its base.
 * @param bytes holds the base from `from` to `to`, and has room for {@link deltaResultSize} bytes after it
 * @param delta begins with the delta, which has `size` bytes
 * @throws CairnError `corrupt` if it is not a delta, or was made for another base
 */
export function applyDelta(
  bytes: Uint8Array,
  from: number,
  to: number,
  delta: Uint8Array,
  size: number,
): void {
  if (numberAt(delta, 0) !== to - from) throw damaged();
  const sizeAt = behindNumber(delta, 0);
  let next = behindNumber(delta, sizeAt);
  let filled = to;
  const end = filled + numberAt(delta, sizeAt);
  if (end > bytes.length) throw damaged();
  while (next < size) {
    const op = delta[next++] ?? 0;
    if ((op & 0x80) === 0) {
      if (op === 0 || next + op > size || filled + op > end) throw damaged();
      for (const stop = filled + op; filled < stop; filled++) bytes[filled] = delta[next++] ?? 0;
      continue;
    }
    let offset = 0;
    let length = 0;
    if (op & 1) offset = delta[next++] ?? 0;
    if (op & 2) offset += (delta[next++] ?? 0) * 0x1_00;
    if (op & 4) offset += (delta[next++] ?? 0) * 0x1_00_00;
    if (op & 8) offset += (delta[next++] ?? 0) * 0x1_00_00_00;
    if (op & 16) length = delta[next++] ?? 0;
    if (op & 32) length += (delta[next++] ?? 0) * 0x1_00;
    if (op & 64) length += (delta[next++] ?? 0) * 0x1_00_00;
    if (length === 0) length = 0x1_00_00;
    const start = from + offset;
    if (next > size || start + length > to || filled + length > end) throw damaged();
    if (length > FEW) bytes.copyWithin(filled, start, start + length);
    else for (let byte = 0; byte < length; byte++) bytes[filled + byte] = bytes[start + byte] ?? 0;
    filled += length;
  }
  if (filled !== end) throw damaged();
}

/** Reads a variable-length number: seven bits a byte, lowest first. */
function numberAt(delta: Uint8Array, from: number): number {
  let value = 0;
  let at = from;
  for (let unit = 1; ; unit *= 128) {
    const byte = delta[at++];
    if (byte === undefined) throw damaged();
    value += (byte & 0x7f) * unit;
    if (byte < 0x80) return value;
  }
}

/** The offset after a variable-length number. */
function behindNumber(delta: Uint8Array, from: number): number {
  let at = from;
  while ((delta[at] ?? 0) >= 0x80) at++;
  return at + 1;
}

function damaged(): CairnError {
  return new CairnError('corrupt', 'a delta in a pack cannot be applied');
}
