/**
 * A keyed hash of short texts: HalfSipHash-1-3 with 64 bits of output. Without the key, colliding texts cannot be found, so
 * a table by these hashes is as fast for hostile texts as for others. Among ten million texts, two have the same hash with a
 * probability of some 3 in a million.
 */
export class KeyedHash {
  /** The upper 32 bits of the last hash. */
  high = 0;
  /** The lower 32 bits of the last hash. */
  low = 0;
  private readonly key0: number;
  private readonly key1: number;
  private words = new Int32Array(FEW_WORDS);

  /** @param key 16 secret hex digits */
  constructor(key: string) {
    this.key0 = Number.parseInt(key.slice(0, 8), 16) | 0;
    this.key1 = Number.parseInt(key.slice(8, 16), 16) | 0;
  }

  /** Hashes a text into {@link high} and {@link low}. @param space equal texts of different spaces have different hashes */
  text(space: number, text: string): void {
    const { length } = text;
    if (length === 64 && this.readHex(text, 8)) {
      this.words[0] = ~space;
      this.digest(9, -2);
      return;
    }
    const count = (length + 1) >> 1;
    if (count >= this.words.length) this.words = new Int32Array(2 * count + 2);
    const { words } = this;
    words[0] = space;
    for (let word = 1, at = 0; word <= count; word++, at += 2) {
      // After the end charCodeAt gives NaN, which counts as 0 here; the length is mixed in last.
      words[word] = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
    }
    this.digest(count + 1, length);
    if (this.words.length > MANY_WORDS) this.words = new Int32Array(FEW_WORDS);
  }

  /** Hashes the first 128 bits of an id or a key: two with the same cannot be found. @param digest 64 lower-case hex digits */
  id(space: number, digest: string): void {
    this.readHex(digest, 4);
    this.words[0] = ~space;
    this.digest(5, -3);
  }

  /** Hashes a number. */
  number(space: number, value: number): void {
    this.words[0] = space;
    this.words[1] = value;
    this.digest(2, -1);
  }

  /** Reads hex digits into words, eight for each, after the first word. False when a character is not a lower-case hex digit. */
  private readHex(text: string, count: number): boolean {
    const { words } = this;
    let all = 0;
    for (let word = 1, at = 0; word <= count; word++) {
      let value = 0;
      for (const end = at + 8; at < end; at++) {
        const digit = HEX[text.charCodeAt(at)] as number;
        all |= digit;
        value = (value << 4) | digit;
      }
      words[word] = value;
    }
    return all < 16;
  }

  private digest(count: number, last: number): void {
    const { key0, key1, words } = this;
    let v0 = key0;
    let v1 = key1 ^ 0xee;
    let v2 = 0x6c796765 ^ key0;
    let v3 = 0x74656462 ^ key1;
    // The words, the last word, then three rounds for each half of the result.
    for (let at = 0, end = count + 7; at < end; at++) {
      const word = at < count ? (words[at] as number) : at === count ? last : 0;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
      if (at === count) v2 ^= 0xee;
      if (at === count + 3) {
        this.low = (v1 ^ v3) >>> 0;
        v1 ^= 0xdd;
      }
    }
    this.high = (v1 ^ v3) >>> 0;
  }
}

/** Words for texts of common length, and the largest buffer that is kept. */
const FEW_WORDS = 64;
const MANY_WORDS = 4_096;

/** By character code: the value of a hex digit, or 255. */
const HEX = new Uint8Array(65_536).fill(255);
for (let value = 0; value < 16; value++) HEX[value.toString(16).charCodeAt(0)] = value;
