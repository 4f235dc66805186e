/**
 * Columns of numbers that grow page by page. Growing copies nothing, an item needs no object, and memory is used only for
 * pages that exist. Items that were never set are 0.
 */
const PAGE_BITS = 14;
const PAGE = 1 << PAGE_BITS;
const MASK = PAGE - 1;

/** Numbers of one width, by item. */
export class Column<T extends Uint8Array | Uint16Array | Uint32Array | Float64Array> {
  private readonly make: (length: number) => T;
  private readonly pages: T[] = [];

  /** @param make creates a zeroed array of so many numbers */
  constructor(make: (length: number) => T) {
    this.make = make;
  }

  /** Bytes of memory used. */
  get bytes(): number {
    return this.pages.length * (this.pages[0]?.byteLength ?? 0);
  }

  get(item: number): number {
    return this.pages[item >>> PAGE_BITS]?.[item & MASK] ?? 0;
  }

  set(item: number, value: number): void {
    const number = item >>> PAGE_BITS;
    while (this.pages.length <= number) this.pages.push(this.make(PAGE));
    const page = this.pages[number];
    if (page !== undefined) page[item & MASK] = value;
  }
}

export const bytesColumn = () => new Column((length) => new Uint8Array(length));
export const shortsColumn = () => new Column((length) => new Uint16Array(length));
export const wordsColumn = () => new Column((length) => new Uint32Array(length));
export const doublesColumn = () => new Column((length) => new Float64Array(length));

/** A column of 32-byte digests, read and written as hex. */
export class DigestColumn {
  private readonly pages: Buffer[] = [];

  /** Bytes of memory used. */
  get bytes(): number {
    return this.pages.length * PAGE * SIZE;
  }

  /** In lower-case hex. */
  get(item: number): string {
    const at = (item & MASK) * SIZE;
    return this.pages[item >>> PAGE_BITS]?.toString('hex', at, at + SIZE) ?? '';
  }

  /** @param digest 64 hex digits */
  set(item: number, digest: string): void {
    const number = item >>> PAGE_BITS;
    while (this.pages.length <= number) this.pages.push(Buffer.alloc(PAGE * SIZE));
    const page = this.pages[number];
    if (page === undefined) return;
    const from = (item & MASK) * SIZE;
    // Three times as fast as Buffer.write for so few bytes.
    for (let byte = 0; byte < SIZE; byte++) {
      const high = digest.charCodeAt(2 * byte);
      const low = digest.charCodeAt(2 * byte + 1);
      page[from + byte] = (valueOfDigit(high) << 4) | valueOfDigit(low);
    }
  }

  /** Copies a digest, to compare others with it later. @param target of {@link DIGEST_BYTES} */
  copy(item: number, target: Buffer): void {
    const at = (item & MASK) * SIZE;
    this.pages[item >>> PAGE_BITS]?.copy(target, 0, at, at + SIZE);
  }

  /** Negative when the digest of an item comes before a copied one. */
  compareWith(item: number, copied: Buffer): number {
    const at = (item & MASK) * SIZE;
    return this.pages[item >>> PAGE_BITS]?.compare(copied, 0, SIZE, at, at + SIZE) ?? 0;
  }

  /** Negative when the digest of `a` comes first. */
  compare(a: number, b: number): number {
    const [pageA, pageB] = [this.pages[a >>> PAGE_BITS], this.pages[b >>> PAGE_BITS]];
    if (pageA === undefined || pageB === undefined) return 0;
    const [atA, atB] = [(a & MASK) * SIZE, (b & MASK) * SIZE];
    for (let byte = 0; byte < SIZE; byte++) {
      const difference = (pageA[atA + byte] ?? 0) - (pageB[atB + byte] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

/** Bytes of a digest. */
export const DIGEST_BYTES = 32;
const SIZE = DIGEST_BYTES;

/** The value of a hex digit, by its character code. */
function valueOfDigit(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}
