/**
 * Small arrays of 32-bit words that live in a few large ones: millions of them need no objects, and waste at most the
 * rounding to the next power of two. A block is named by where it begins; 0 means none.
 */
const PAGE_BITS = 16;
const PAGE = 1 << PAGE_BITS;
const MASK = PAGE - 1;

/** The largest size class. A block of class c has 2^c words. */
const LARGEST_CLASS = 14;

/** Words in the largest block. */
export const LARGEST_BLOCK = 1 << LARGEST_CLASS;

export class Blocks {
  private readonly pages: Uint32Array[] = [];
  /** By class: the next unused block, and how many unused ones are left in its page. */
  private readonly fresh = Array.from({ length: LARGEST_CLASS + 1 }, () => ({ next: 0, left: 0 }));
  /** By class: a free block; its first word names the next free one. */
  private readonly free = new Uint32Array(LARGEST_CLASS + 1);

  /** Bytes of memory it takes. */
  get bytes(): number {
    return this.pages.length * PAGE * 4;
  }

  /** The class of the smallest blocks with at least so many words; at most {@link LARGEST_BLOCK} words. */
  static classOf(words: number): number {
    return words <= 2 ? 1 : 32 - Math.clz32(words - 1);
  }

  /** @returns a block of 2^size words; its content is undefined */
  take(size: number): number {
    const freed = this.free[size] ?? 0;
    if (freed !== 0) {
      this.free[size] = this.get(freed);
      return freed;
    }
    const fresh = this.fresh[size];
    if (fresh === undefined) throw new RangeError(`there are no blocks of 2^${size} words`);
    const words = 1 << size;
    if (fresh.left === 0) {
      fresh.next = this.pages.length * PAGE;
      fresh.left = PAGE >>> size;
      this.pages.push(new Uint32Array(PAGE));
      // Block 0 is never used: 0 means none.
      if (fresh.next === 0) {
        fresh.next += words;
        fresh.left--;
      }
    }
    const block = fresh.next;
    fresh.next += words;
    fresh.left--;
    return block;
  }

  /** Frees a block. @param size its class */
  give(block: number, size: number): void {
    this.set(block, this.free[size] ?? 0);
    this.free[size] = block;
  }

  get(at: number): number {
    return this.pages[at >>> PAGE_BITS]?.[at & MASK] ?? 0;
  }

  set(at: number, value: number): void {
    const page = this.pages[at >>> PAGE_BITS];
    if (page !== undefined) page[at & MASK] = value;
  }

  /** Copies words within one block or between two; the ranges may overlap. */
  move(from: number, to: number, words: number): void {
    if (words === 0) return;
    const [source, target] = [this.pages[from >>> PAGE_BITS], this.pages[to >>> PAGE_BITS]];
    if (source === undefined || target === undefined) return;
    const begin = from & MASK;
    if (source === target) source.copyWithin(to & MASK, begin, begin + words);
    else target.set(source.subarray(begin, begin + words), to & MASK);
  }
}
