import { GrowingWords } from '../../../lib/growing-words.ts';

/** What trees link to, kept until the ids of the objects of a pack are known: a raw id and 8 bytes for each link. */
export class UnresolvedLinks {
  private readonly idLength: number;
  private bytes: Buffer = Buffer.alloc(0);
  private readonly trees = new GrowingWords(0);
  private readonly kinds = new GrowingWords(0);

  /** @param idLength bytes of a raw id */
  constructor(idLength: number) {
    this.idLength = idLength;
  }

  get count(): number {
    return this.trees.length;
  }

  /** The raw ids, one after another. */
  get ids(): Buffer {
    return this.bytes;
  }

  /** Number of the tree that a link is in. */
  treeOf(link: number): number {
    return this.trees.get(link);
  }

  /** What the entry of a link is. */
  kindOf(link: number): number {
    return this.kinds.get(link);
  }

  /** @param bytes have the raw id that is linked to, at `at` */
  push(tree: number, kind: number, bytes: Buffer, at: number): void {
    const { idLength } = this;
    const filled = this.count * idLength;
    if (filled + idLength > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(64 * 1024, 2 * (filled + idLength)));
      this.bytes.copy(grown, 0, 0, filled);
      this.bytes = grown;
    }
    for (let byte = 0; byte < idLength; byte++) this.bytes[filled + byte] = bytes[at + byte] ?? 0;
    this.trees.push(tree);
    this.kinds.push(kind);
  }

  clear(): void {
    this.bytes = Buffer.alloc(0);
    this.trees.clear();
    this.kinds.clear();
  }
}
