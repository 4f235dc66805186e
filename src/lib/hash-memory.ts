import type { Hash } from './hash-table.ts';
import type { KeyedHash } from './keyed-hash.ts';

/** How many hashes are remembered before all are forgotten. */
const REMEMBERED = 4_096;

/** Length of the longest text that is remembered: strangers choose the texts. */
const LONGEST = 400;

/** Remembers the hashes of texts of one space, because the same texts come again and again. */
export class HashMemory {
  private readonly hash: KeyedHash;
  private readonly space: number;
  private readonly known = new Map<string, Hash>();

  /** @param space see {@link KeyedHash.text} */
  constructor(hash: KeyedHash, space: number) {
    this.hash = hash;
    this.space = space;
  }

  /** True when the hash of a text is remembered. */
  has(text: string): boolean {
    return this.known.has(text);
  }

  of(text: string): Hash {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    this.hash.text(this.space, text);
    const { high, low } = this.hash;
    if (text.length > LONGEST) return { high, low };
    if (this.known.size >= REMEMBERED) this.known.clear();
    const hash = { high, low };
    this.known.set(text, hash);
    return hash;
  }
}
