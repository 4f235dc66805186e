/** Numbers from 0 to 2^32 - 1, as many as are pushed, in four bytes each. */
export class GrowingWords {
  length: number;
  private words: Uint32Array;

  /** @param length zeros to begin with */
  constructor(length: number) {
    this.length = length;
    this.words = new Uint32Array(length + 16);
  }

  get(index: number): number {
    return this.words[index] ?? 0;
  }

  set(index: number, value: number): void {
    this.words[index] = value;
  }

  push(value: number): void {
    if (this.length === this.words.length) {
      const grown = new Uint32Array(2 * this.length);
      grown.set(this.words);
      this.words = grown;
    }
    this.words[this.length++] = value;
  }

  /** Forgets the first ones. Those behind them move up. */
  shift(count: number): void {
    this.words.copyWithin(0, count, this.length);
    this.length -= count;
  }

  /** Forgets all of them. */
  clear(): void {
    this.length = 0;
  }

  values(): Uint32Array {
    return this.words.subarray(0, this.length);
  }
}
