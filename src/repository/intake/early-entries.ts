/**
 * Trees of a large pack, read while git is at work on it. Of a history with tags git writes all trees in one run, behind commits and tags
 * and in front of blobs. So most of what the check of folders needs is known by the time git has named the objects.
 */
import { inflateSync } from 'node:zlib';
import { PACKED_TREE, readPackEntryHeader } from '../../git/index.ts';
import { isCairnError, systemCode } from '../../lib/errors.ts';
import { GrowingWords } from '../../lib/growing-words.ts';
import { isZlibError } from './delta-start.ts';
import { HeightBounds, UNREADABLE } from './height-bounds.ts';
import type { HeightMemory } from './height-memory.ts';
import { NO_BASE } from './kept-trees.ts';

/** More bytes than the header of an entry has. */
const LONGEST_HEADER = 64;
/** A larger tree is left to the check. */
const LONGEST_ENTRY = 192 * 1024;
/** Bytes of the tree that is looked for, and of what it is deflated to. */
const LONGEST_FIRST = 64 * 1024;
/** Bytes of the header in front of it. */
const LONGEST_SIZE = 3;
/** How zlib streams begin that git writes: the levels of compression differ in the second byte. */
const ZLIB = 0x78;
const ZLIB_LEVELS: readonly number[] = [0x01, 0x5e, 0x9c, 0xda];
/** Sizes and offsets are kept in 32 bits. */
const MOST = 2 ** 32 - 1;

/**
 * A run of trees that follow each other, numbered in the order of the pack. Where the first one begins is a guess: its header, its
 * deflated data and its size fit each other. So the offsets have to be compared with those of git before any of it counts. The run ends at the first
 * entry that is no tree, or that is not as git writes it.
 */
export class EarlyEntries {
  readonly bounds: HeightBounds;
  private readonly idLength: number;
  private readonly offsets = new GrowingWords(0);
  private readonly sizes = new GrowingWords(0);
  /** One more than the number of the base, or 0. */
  private readonly bases = new GrowingWords(0);
  private ended = false;
  /** Where to read on in the pack. */
  private next = 0;

  /** @param idLength bytes of a raw id */
  constructor(idLength: number, memory: HeightMemory) {
    this.idLength = idLength;
    this.bounds = new HeightBounds(idLength, memory);
  }

  /** How many trees were read: they have the same numbers in {@link bounds}. */
  get count(): number {
    return this.offsets.length;
  }

  /** True when nothing more is read. */
  get isOver(): boolean {
    return this.ended;
  }

  /** Where to read on in the pack. */
  get position(): number {
    return this.next;
  }

  /** Where a tree begins in the pack. */
  offsetOf(tree: number): number {
    return this.offsets.get(tree);
  }

  /** Bytes that its entry says it has once it is inflated. */
  sizeOf(tree: number): number {
    return this.sizes.get(tree);
  }

  /** Number of the tree that it is a delta from, or -1. */
  baseOf(tree: number): number {
    return this.bases.get(tree) - 1;
  }

  /**
   * Reads on.
   * @param bytes what the pack has from {@link position} on
   * @returns false when more of the pack has to come first
   */
  take(bytes: Buffer): boolean {
    try {
      this.bounds.allow(this.next + bytes.length);
      const end = this.count === 0 ? this.findFirst(bytes) : this.readTrees(bytes, 0);
      this.next += end;
      if (this.next > MOST || (end === 0 && bytes.length > LONGEST_ENTRY)) this.ended = true;
      return end > 0;
    } catch (error) {
      if (!isCairnError(error, 'corrupt')) throw error;
      // git says what is wrong with it.
      this.bounds.giveUp();
      this.ended = true;
      return false;
    }
  }

  /** Looks for the first tree, and reads those behind it. @returns where to read on */
  private findFirst(bytes: Buffer): number {
    for (let at = bytes.indexOf(ZLIB, 1); at !== -1; at = bytes.indexOf(ZLIB, at + 1)) {
      if (!ZLIB_LEVELS.includes(bytes[at + 1] ?? 0)) continue;
      for (let length = 1; length <= Math.min(LONGEST_SIZE, at); length++) {
        const begin = at - length;
        if (!isTreeHeader(bytes, begin, at)) continue;
        const isTree = this.isTree(bytes, begin);
        if (isTree === undefined) return begin;
        if (isTree) return this.readTrees(bytes, begin);
      }
    }
    // A header that is not here as a whole, with the two bytes behind it.
    return Math.max(0, bytes.length - LONGEST_SIZE - 1);
  }

  /**
   * True if what follows a header is deflated, has the size that the header says, and the right checksum; undefined when that cannot
   * be told yet.
   */
  private isTree(bytes: Buffer, at: number): boolean | undefined {
    const { size, length } = readPackEntryHeader(bytes, at, 0, this.idLength);
    if (size < this.idLength || size > LONGEST_FIRST) return false;
    const deflated = bytes.subarray(at + length, at + length + LONGEST_FIRST);
    try {
      return inflateSync(deflated, { maxOutputLength: size }).length === size;
    } catch (error) {
      if (!isZlibError(error)) throw error;
      const mayGoOn = systemCode(error) === 'Z_BUF_ERROR' && deflated.length < LONGEST_FIRST;
      return mayGoOn ? undefined : false;
    }
  }

  /** @returns where the first tree begins that is not here as a whole */
  private readTrees(bytes: Buffer, from: number): number {
    let at = from;
    while (!this.ended && at + LONGEST_HEADER <= bytes.length) {
      const end = this.readTree(bytes, at);
      if (end === undefined) break;
      at = end;
    }
    return at;
  }

  /** @returns where it ends; undefined when it is not here as a whole, or is no tree */
  private readTree(bytes: Buffer, at: number): number | undefined {
    const offset = this.next + at;
    const { type, size, length, base } = readPackEntryHeader(bytes, at, offset, this.idLength);
    const parent = type === undefined && typeof base === 'number' ? this.treeAt(base) : NO_BASE;
    if ((type !== PACKED_TREE && parent === NO_BASE) || size > MOST) return this.end();
    const end = this.bounds.hear(bytes, at + length, size, parent);
    if (end === UNREADABLE) return this.end();
    if (end === undefined) return undefined;
    this.offsets.push(offset);
    this.sizes.push(size);
    this.bases.push(parent + 1);
    return end;
  }

  private end(): undefined {
    this.ended = true;
    return undefined;
  }

  /** The tree that begins at an offset, or NO_BASE. Most bases lie shortly before what builds on them. */
  private treeAt(offset: number): number {
    const { offsets, count } = this;
    let step = 1;
    while (step < count && offsets.get(count - step) > offset) step *= 2;
    let [low, high] = [Math.max(0, count - step), count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (offsets.get(middle) < offset) low = middle + 1;
      else high = middle;
    }
    return low < count && offsets.get(low) === offset ? low : NO_BASE;
  }
}

/** True if the bytes between two places are the header of a tree (gitformat-pack): the last one alone has no highest bit. */
function isTreeHeader(bytes: Buffer, begin: number, end: number): boolean {
  for (let at = begin; at < end; at++) if ((bytes[at] ?? 0) >> 7 !== (at + 1 < end ? 1 : 0)) return false;
  return (((bytes[begin] ?? 0) >> 4) & 7) === PACKED_TREE;
}
