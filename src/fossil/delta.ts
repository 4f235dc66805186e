/**
 * Deltas as Fossil writes them (fossil-scm.org, "Fossil Delta Format"): the size of the target and a line feed, then commands,
 * then the checksum of the target and `;`. `N@F,` copies N bytes of the source from F on; `N:` is followed by N bytes as they
 * are. Numbers have the base 64, with the highest digit first.
 */
import { CairnError } from '../lib/errors.ts';

/** The digits of numbers in deltas, by value. */
export const DELTA_DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~';

/** Numbers in deltas are at most 32 bits long, as in Fossil. */
const LARGEST_NUMBER = 0xffff_ffff;

/** Up to this many bytes are copied one by one, which is faster than a call of `set`. */
const FEW = 24;

const AT = 0x40;
const COLON = 0x3a;
const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const SEMICOLON = 0x3b;

/** The value of each byte that is a digit; -1 for all others. */
const VALUES = new Int8Array(256).fill(-1);
for (let value = 0; value < 64; value++) VALUES[DELTA_DIGITS.charCodeAt(value)] = value;

/** A delta that is malformed, does not fit its source, or makes more than is allowed. */
export class DeltaError extends CairnError {
  constructor(reason: string, kind: 'invalid' | 'too-large' = 'invalid') {
    super(kind, `malformed delta: ${reason}`);
  }
}

/**
 * Applies a delta. All commands are checked before anything is allocated: a delta cannot claim memory that its commands do not
 * fill. The checksum is not compared, as in Fossil: the caller verifies the name of the result.
 * @param limit largest size of the result, in bytes
 * @returns the target
 * @throws DeltaError
 */
export function applyDelta(source: Uint8Array, delta: Uint8Array, limit: number): Uint8Array {
  const reader = new DeltaReader(delta, limit);
  const { targetSize, commandsAt } = reader;
  let made = 0;
  while (reader.next()) {
    if (reader.copies && reader.at + reader.length > source.length) {
      throw new DeltaError('it copies from behind the end of its source');
    }
    made += reader.length;
    if (made > targetSize) throw new DeltaError('it makes more than it declares');
  }
  if (made !== targetSize) throw new DeltaError('it makes less than it declares');

  const target = Buffer.allocUnsafe(targetSize);
  reader.goTo(commandsAt);
  let filled = 0;
  while (reader.next()) {
    const { at, length } = reader;
    const from = reader.copies ? source : delta;
    if (length > FEW) target.set(from.subarray(at, at + length), filled);
    else for (let byte = 0; byte < length; byte++) target[filled + byte] = from[at + byte] ?? 0;
    filled += length;
  }
  return target;
}

/**
 * The size of what a delta makes, as its first line declares it. Not more than a claim until the delta is applied.
 * @throws DeltaError if there is no such line
 */
export function deltaOutputSize(delta: Uint8Array): number {
  return new DeltaReader(delta, LARGEST_NUMBER).targetSize;
}

/** The checksum that a delta ends with: the sum of the target's big-endian 32-bit words, padded with zeros, modulo 2^32. */
export function deltaChecksum(target: Uint8Array): number {
  const { length } = target;
  const whole = length & ~3;
  let sum = 0;
  let at = 0;
  for (; at < whole; at += 4) {
    sum =
      (sum +
        (((target[at] ?? 0) << 24) |
          ((target[at + 1] ?? 0) << 16) |
          ((target[at + 2] ?? 0) << 8) |
          (target[at + 3] ?? 0))) |
      0;
  }
  for (let shift = 24; at < length; at++, shift -= 8) sum = (sum + ((target[at] ?? 0) << shift)) | 0;
  return sum >>> 0;
}

/** Reads the commands of a delta one after another, and checks their form. */
export class DeltaReader {
  readonly targetSize: number;
  /** Where the first command begins. */
  readonly commandsAt: number;
  /** The command that was read last: whether it copies from the source, and which bytes of the source or the delta. */
  copies = false;
  at = 0;
  length = 0;
  /** Where the next command begins. */
  position = 0;
  private delta: Uint8Array;
  /** Where the delta ends; of one that is read in parts, behind the part. */
  private end: number;

  constructor(delta: Uint8Array, limit: number) {
    this.delta = delta;
    this.end = delta.length;
    this.targetSize = this.number();
    if (delta[this.position++] !== LINE_FEED) throw new DeltaError('its first line is not a size');
    if (this.targetSize > limit) {
      throw new DeltaError(`it makes ${this.targetSize} bytes, and ${limit} are allowed`, 'too-large');
    }
    this.commandsAt = this.position;
  }

  goTo(position: number): void {
    this.position = position;
  }

  /** Reads on in another part of the delta. @param left bytes of the delta from the position on */
  readOn(part: Uint8Array, position: number, left: number): void {
    this.delta = part;
    this.position = position;
    this.end = position + left;
  }

  /** Reads the next command. @returns false at the end of the delta */
  next(): boolean {
    const length = this.number();
    const command = this.delta[this.position++];
    if (command === SEMICOLON) return false;
    this.length = length;
    if (command === AT) {
      this.copies = true;
      this.at = this.number();
      if (this.delta[this.position++] !== COMMA) throw new DeltaError('a copy does not end with a comma');
      return true;
    }
    if (command !== COLON) {
      throw new DeltaError(command === undefined ? 'it has no end' : 'it has an unknown command');
    }
    this.copies = false;
    this.at = this.position;
    this.position += length;
    if (this.position > this.end) throw new DeltaError('it is cut short');
    return true;
  }

  private number(): number {
    const { delta } = this;
    const begin = this.position;
    let value = 0;
    for (;;) {
      const digit = VALUES[delta[this.position] ?? 0] ?? -1;
      if (digit < 0) break;
      value = value * 64 + digit;
      if (value > LARGEST_NUMBER) throw new DeltaError('it has a number of more than 32 bits');
      this.position++;
    }
    if (this.position === begin) throw new DeltaError('a number is missing');
    return value;
  }
}
