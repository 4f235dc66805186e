/**
 * Trees of a large pack, read while git is at work on it. git writes them in runs: in one run behind all commits, or in many between blobs.
 * So most of what the check of folders needs is known by the time git has named the objects.
 */
import {
  longestEntryHeader,
  PACKED_DELTA,
  PACKED_TREE,
  packHeaderLength,
  readPackEntryHeader,
} from '../../../git/index.ts';
import { isCairnError } from '../../../lib/errors.ts';
import { GrowingWords } from '../../../lib/growing-words.ts';
import { HeightBounds, UNREADABLE } from '../heights/height-bounds.ts';
import type { HeightMemory } from '../heights/height-memory.ts';
import { NO_BASE } from '../heights/kept-trees.ts';
import type { EarlyCommits } from '../plain/early-commits.ts';
import { entryHeaderAt } from './entry-header.ts';

/** A larger tree is left to the check. */
const LONGEST_ENTRY = 192 * 1024;
/** Bytes that the entry may have, deflated, with which a run begins. */
const LONGEST_FIRST = 16 * 1024;
/** Bytes of the header in front of it, when the tree is kept whole, and when it is kept as a delta. */
const LONGEST_SIZE = 3;
const LONGEST_WITH_BASE = 7;
/**
 * Bytes of other entries behind a tree in which the next one is looked for, which takes some 1 ms for each MiB. A clone has few trees in
 * front of all its files, and the rest behind them.
 */
const MOST_BETWEEN = 512 * 1024 * 1024;
/** How zlib streams begin that git writes: the levels of compression differ in the second byte. */
const ZLIB = 0x78;
const ZLIB_LEVELS: readonly number[] = [0x01, 0x5e, 0x9c, 0xda];
/** Sizes and offsets are kept in 32 bits. */
const MOST = 2 ** 32 - 1;

/**
 * Runs of trees, numbered in the order of the pack. Where a run begins is a guess: a header, deflated data, its size and its checksum fit each
 * other, and what a delta builds on is a tree that was read. So the offsets have to be compared with those of git before any of it counts. Reading
 * ends where no tree comes for long, or one that is not as git writes it.
 */
export class EarlyEntries {
  readonly bounds: HeightBounds;
  /** The commits in front of the trees; undefined when nobody wants them. */
  readonly commits: EarlyCommits | undefined;
  private readonly idLength: number;
  private readonly offsets = new GrowingWords(0);
  private readonly sizes = new GrowingWords(0);
  /** One more than the number of the base, or 0. */
  private readonly bases = new GrowingWords(0);
  private ended = false;
  /** True while an entry behind a tree is expected where to read on. */
  private inRun = false;
  /** Where the last tree ends. */
  private lastEnd = 0;
  /** Where to read on in the pack. */
  private next = 0;

  /** @param idLength bytes of a raw id @param commits that read the commits, if somebody wants them */
  constructor(idLength: number, memory: HeightMemory, commits?: EarlyCommits) {
    this.idLength = idLength;
    this.commits = commits;
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
    if (this.commits?.isOver === false) return this.takeCommits(bytes, this.commits);
    try {
      this.bounds.allow(this.next + bytes.length);
      const end = this.readRuns(bytes);
      this.next += end;
      const isFar = this.count > 0 && this.next - this.lastEnd > MOST_BETWEEN;
      if (this.next > MOST || isFar || (end === 0 && bytes.length > LONGEST_ENTRY)) this.ended = true;
      return end > 0;
    } catch (error) {
      if (!isCairnError(error, 'corrupt')) throw error;
      // git says what is wrong with it.
      this.bounds.giveUp();
      this.ended = true;
      return false;
    }
  }

  private takeCommits(bytes: Buffer, commits: EarlyCommits): boolean {
    const first = this.next === 0 ? packHeaderLength : 0;
    if (bytes.length < first) return false;
    const end = commits.read(bytes, first, this.next);
    this.next += end;
    return end > 0 || commits.isOver;
  }

  /** @returns where to read on */
  private readRuns(bytes: Buffer): number {
    for (let at = 0; ; ) {
      if (!this.inRun) at = this.findRun(bytes, at);
      if (!this.inRun) return at;
      at = this.readTrees(bytes, at);
      if (this.inRun || this.ended) return at;
    }
  }

  /** Looks for the next tree. @returns where it begins, when a run does, or where to look on */
  private findRun(bytes: Buffer, from: number): number {
    const last = bytes.length - LONGEST_FIRST;
    let at = bytes.indexOf(ZLIB, from + 1);
    for (; at !== -1 && at < last; at = bytes.indexOf(ZLIB, at + 1)) {
      // The last byte of a header has no highest bit.
      if (!ZLIB_LEVELS.includes(bytes[at + 1] ?? 0) || (bytes[at - 1] ?? 0) >= 0x80) continue;
      for (let length = 1; length <= Math.min(LONGEST_WITH_BASE, at - from); length++) {
        if (!this.isTree(bytes, at - length, at)) continue;
        this.inRun = true;
        return at - length;
      }
    }
    // A header that is not here as a whole, with the two bytes behind it.
    return Math.max(from, last - LONGEST_WITH_BASE - 1);
  }

  /** True if a header of a tree lies between two places, and what follows fits it. */
  private isTree(bytes: Buffer, begin: number, end: number): boolean {
    const kind = ((bytes[begin] ?? 0) >> 4) & 7;
    if (kind !== PACKED_TREE && kind !== PACKED_DELTA) return false;
    if (kind === PACKED_TREE && end - begin > LONGEST_SIZE) return false;
    const header = entryHeaderAt(bytes, begin, this.next + begin, this.idLength);
    if (header === undefined || header.length !== end - begin || header.size > LONGEST_FIRST) return false;
    const { size, base } = header;
    if (typeof base !== 'number') return size > this.idLength && this.bounds.fits(bytes, end, size, NO_BASE);
    const parent = this.treeAt(base);
    return parent !== NO_BASE && this.bounds.fits(bytes, end, size, parent);
  }

  /** @returns where the first tree begins that is not here as a whole */
  private readTrees(bytes: Buffer, from: number): number {
    let at = from;
    while (this.inRun && !this.ended && at + longestEntryHeader <= bytes.length) {
      const end = this.readTree(bytes, at);
      if (end === undefined) break;
      at = end;
    }
    return at;
  }

  /** @returns where it ends; undefined when it is not here as a whole, or is no tree */
  private readTree(bytes: Buffer, at: number): number | undefined {
    const offset = this.next + at;
    if (offset > MOST) return this.end();
    const { type, size, length, base } = readPackEntryHeader(bytes, at, offset, this.idLength);
    const parent = type === undefined && typeof base === 'number' ? this.treeAt(base) : NO_BASE;
    if ((type !== PACKED_TREE && parent === NO_BASE) || size > LONGEST_ENTRY) {
      this.inRun = false;
      return undefined;
    }
    const end = this.bounds.hear(bytes, at + length, size, parent);
    if (end === UNREADABLE) return this.end();
    if (end === undefined) return undefined;
    this.offsets.push(offset);
    this.sizes.push(size);
    this.bases.push(parent + 1);
    this.lastEnd = this.next + end;
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
