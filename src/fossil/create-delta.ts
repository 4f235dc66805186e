/**
 * Makes deltas in Fossil's format (see `delta.ts`). Blocks of the source are found again in the target by a rolling hash, and
 * each match is extended in both directions, as in Fossil's own `delta_create`.
 */
import { DELTA_DIGITS, deltaChecksum } from './delta.ts';

/** Length of the blocks of the source that are looked for in the target, in bytes. */
const BLOCK = 16;

/** Blocks with the same hash that are compared at one place. Repetitive sources have very many. */
const LONGEST_CHAIN = 64;

/** A match of this many bytes is taken without a look at further ones. */
const LONG_ENOUGH = 2_048;

/** The size, the line feed, the last literal's head, the checksum and the semicolon take less than this. */
const ROOM = 40;

const DIGITS = Buffer.from(DELTA_DIGITS, 'latin1');

/**
 * A delta that makes `target` of `source`. It is longer than the target by a few bytes at most. Takes time in proportion to
 * both sizes, whatever they hold.
 */
export function createDelta(source: Uint8Array, target: Uint8Array): Uint8Array {
  const writer = new DeltaWriter(target);
  const blocks = source.length > BLOCK && target.length > BLOCK ? new SourceBlocks(source) : undefined;
  let base = 0;
  while (blocks !== undefined && base + BLOCK <= target.length) {
    if (!blocks.findNext(target, base)) break;
    writer.literal(base, blocks.targetAt);
    writer.copy(blocks.sourceAt, blocks.length);
    base = blocks.targetAt + blocks.length;
  }
  writer.literal(base, target.length);
  return writer.end();
}

/** The blocks of a source by their hash. */
class SourceBlocks {
  /** The match found last. */
  sourceAt = 0;
  targetAt = 0;
  length = 0;
  private readonly source: Uint8Array;
  private readonly mask: number;
  /** The last block with each hash, and for each block the one before it with the same hash; 0 is none, 1 is the first block. */
  private readonly heads: Int32Array;
  private readonly previous: Int32Array;

  constructor(source: Uint8Array) {
    this.source = source;
    const count = Math.floor(source.length / BLOCK);
    const size = 2 ** Math.ceil(Math.log2(count + 1));
    this.mask = size - 1;
    this.heads = new Int32Array(size);
    this.previous = new Int32Array(count + 1);
    // From the end to the beginning, so that of many equal blocks the first ones are compared: runs are found whole.
    for (let block = count; block > 0; block--) {
      const hash = this.slot(sumsOf(source, (block - 1) * BLOCK));
      this.previous[block] = this.heads[hash] ?? 0;
      this.heads[hash] = block;
    }
  }

  /** Finds the next match at or after `base`, with what precedes it from `base` on. @returns false if there is none */
  findNext(target: Uint8Array, base: number): boolean {
    const last = target.length - BLOCK;
    let sums = sumsOf(target, base);
    for (let at = base; ; at++) {
      if (this.findAt(target, base, at, this.heads[this.slot(sums)] ?? 0)) return true;
      if (at >= last) return false;
      const gone = target[at] ?? 0;
      const low = ((sums & 0xffff) - gone + (target[at + BLOCK] ?? 0)) & 0xffff;
      const high = ((sums >>> 16) - BLOCK * gone + low) & 0xffff;
      sums = (high << 16) | low;
    }
  }

  private findAt(target: Uint8Array, base: number, at: number, head: number): boolean {
    const { source } = this;
    let best = 0;
    let block = head;
    for (let chain = 0; block > 0 && chain < LONGEST_CHAIN; chain++) {
      const start = (block - 1) * BLOCK;
      let to = start;
      for (let seen = at; to < source.length && seen < target.length; to++, seen++) {
        if (source[to] !== target[seen]) break;
      }
      const forward = to - start;
      let back = 0;
      if (forward > 0) {
        while (back < start && back < at - base && source[start - back - 1] === target[at - back - 1]) back++;
      }
      const length = forward + back;
      const cost = 3 + digitsOf(at - base - back) + digitsOf(length) + digitsOf(start - back);
      if (length >= cost && length > best) {
        best = length;
        this.sourceAt = start - back;
        this.targetAt = at - back;
        if (length >= LONG_ENOUGH) break;
      }
      block = this.previous[block] ?? 0;
    }
    this.length = best;
    return best > 0;
  }

  private slot(sums: number): number {
    return (Math.imul(sums, 0x9e3779b1) >>> 15) & this.mask;
  }
}

/** Writes the commands of a delta for one target. */
class DeltaWriter {
  private readonly target: Uint8Array;
  private readonly bytes: Buffer;
  private filled = 0;

  constructor(target: Uint8Array) {
    this.target = target;
    this.bytes = Buffer.allocUnsafe(target.length + ROOM);
    this.number(target.length);
    this.byte('\n');
  }

  /** The target's bytes from `from` to `to` as they are. */
  literal(from: number, to: number): void {
    if (from === to) return;
    this.number(to - from);
    this.byte(':');
    this.bytes.set(this.target.subarray(from, to), this.filled);
    this.filled += to - from;
  }

  copy(sourceAt: number, length: number): void {
    this.number(length);
    this.byte('@');
    this.number(sourceAt);
    this.byte(',');
  }

  end(): Uint8Array {
    this.number(deltaChecksum(this.target));
    this.byte(';');
    // A copy, since the room for a delta without a match would stay in memory otherwise.
    return Buffer.from(this.bytes.subarray(0, this.filled));
  }

  private byte(character: string): void {
    this.bytes[this.filled++] = character.charCodeAt(0);
  }

  private number(value: number): void {
    let unit = 1;
    while (unit * 64 <= value) unit *= 64;
    for (; unit >= 1; unit /= 64) this.bytes[this.filled++] = DIGITS[Math.floor(value / unit) % 64] ?? 0;
  }
}

/** Both sums of the rolling hash over the block at `at`: the bytes' sum in the lower half, the sum of the sums in the upper. */
function sumsOf(bytes: Uint8Array, at: number): number {
  let low = 0;
  let high = 0;
  for (let byte = at; byte < at + BLOCK; byte++) {
    low += bytes[byte] ?? 0;
    high += low;
  }
  return ((high & 0xffff) << 16) | (low & 0xffff);
}

/** The number of digits of a number in a delta. */
function digitsOf(value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 64; rest = Math.floor(rest / 64)) digits++;
  return digits;
}
