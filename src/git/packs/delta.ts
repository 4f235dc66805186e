import { CairnError } from '../../lib/errors.ts';

/** Up to this many bytes are copied one by one, which is faster than a call of `copyWithin`. */
const FEW = 24;

/**
 * The size of the object that a delta produces, in bytes (gitformat-pack, "Deltified representation").
 * @throws CairnError `corrupt` if it is not a delta, or its sizes are not in the shortest form
 */
export function deltaResultSize(delta: Uint8Array): number {
  numberAt(delta, 0);
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

const NO_BYTES = new Uint8Array(0);

/** Reads the instructions of a delta one after another, without applying them. */
export class DeltaSteps {
  /** Size of the base and of the result, in bytes. */
  baseSize = 0;
  resultSize = 0;
  /** The instruction that was read last: true if it copies from the base, false if it inserts bytes of the delta. */
  copies = false;
  /** Where its bytes begin: in the base, or in the buffer of the delta. */
  at = 0;
  length = 0;
  private bytes: Uint8Array = NO_BYTES;
  private next = 0;
  private end = 0;

  /**
   * @param bytes holds the delta from `from` to `end`
   * @throws CairnError `corrupt` if it is not a delta
   */
  begin(bytes: Uint8Array, from: number, end: number): void {
    this.bytes = bytes;
    this.end = end;
    this.baseSize = numberAt(bytes, from);
    const sizeAt = behindNumber(bytes, from);
    this.resultSize = numberAt(bytes, sizeAt);
    this.next = behindNumber(bytes, sizeAt);
  }

  /**
   * Reads the next instruction.
   * @returns false after the last one
   * @throws CairnError `corrupt` if it is cut short, or copies what the base does not have
   */
  read(): boolean {
    const { bytes, end } = this;
    let next = this.next;
    if (next >= end) return false;
    const op = bytes[next++] ?? 0;
    if ((op & 0x80) === 0) {
      if (op === 0 || next + op > end) throw damaged();
      this.copies = false;
      this.at = next;
      this.length = op;
      this.next = next + op;
      return true;
    }
    let offset = 0;
    let length = 0;
    if (op & 1) offset = bytes[next++] ?? 0;
    if (op & 2) offset += (bytes[next++] ?? 0) * 0x1_00;
    if (op & 4) offset += (bytes[next++] ?? 0) * 0x1_00_00;
    if (op & 8) offset += (bytes[next++] ?? 0) * 0x1_00_00_00;
    if (op & 16) length = bytes[next++] ?? 0;
    if (op & 32) length += (bytes[next++] ?? 0) * 0x1_00;
    if (op & 64) length += (bytes[next++] ?? 0) * 0x1_00_00;
    if (length === 0) length = 0x1_00_00;
    if (next > end || offset + length > this.baseSize) throw damaged();
    this.copies = true;
    this.at = offset;
    this.length = length;
    this.next = next;
    return true;
  }
}

/** Bytes of a number, at most: 63 bits. */
const LONGEST_NUMBER = 9;

/**
 * Reads a variable-length number: seven bits a byte, lowest first.
 * @throws CairnError `corrupt` if it is not in the shortest form: git looks for both numbers in the first 20 bytes of a delta
 *   (`get_size_from_delta` in packfile.c), and takes what it finds there for the size of the object
 */
function numberAt(delta: Uint8Array, from: number): number {
  let value = 0;
  let at = from;
  for (let unit = 1; ; unit *= 128) {
    const byte = delta[at++];
    if (byte === undefined) throw damaged();
    value += (byte & 0x7f) * unit;
    if (byte < 0x80) {
      if (byte === 0 && unit > 1) throw damaged();
      return value;
    }
    if (at - from >= LONGEST_NUMBER) throw damaged();
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
