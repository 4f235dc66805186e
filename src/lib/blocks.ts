/**
 * Small arrays of 32-bit words that live in a few large ones: millions of them cost neither objects nor rounding beyond
 * the next power of two. A block is named by where it begins; 0 names none.
 */
const PAGE_BITS = 16;
const PAGE = 1 << PAGE_BITS;
const MASK = PAGE - 1;

/** The sizes there are: 2^class words. */
const LARGEST_CLASS = 14;

/** Words in the largest block. */
export const LARGEST_BLOCK = 1 << LARGEST_CLASS;

export class Blocks {
  private readonly pages: Uint32Array[] = [];
  /** By class: the next block that was never used, and how many follow in its page. */
  private readonly fresh = Array.from({ length: LARGEST_CLASS + 1 }, () => ({ next: 0, left: 0 }));
  /** By class: a block that is free; its first word names the next one. */
  private readonly free = new Uint32Array(LARGEST_CLASS + 1);

  /** Bytes of memory it takes. */
  get bytes(): number {
    return this.pages.length * PAGE * 4;
  }

  /** The class of the smallest blocks of at least so many words, which are at most {@link LARGEST_BLOCK}. */
  static classOf(words: number): number {
    return words <= 2 ? 1 : 32 - Math.clz32(words - 1);
  }

  /** @returns a block of 2^size words, whatever is in them */
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
      // The very first block is given to nobody: 0 names none.
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

  /** Gives a block back. @param size its class */
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

  /** Copies words, which may overlap, inside one block or from one to another. */
  move(from: number, to: number, words: number): void {
    if (words === 0) return;
    const [source, target] = [this.pages[from >>> PAGE_BITS], this.pages[to >>> PAGE_BITS]];
    if (source === undefined || target === undefined) return;
    const begin = from & MASK;
    if (source === target) source.copyWithin(to & MASK, begin, begin + words);
    else target.set(source.subarray(begin, begin + words), to & MASK);
  }
}
