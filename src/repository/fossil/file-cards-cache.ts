import { LruMap } from '../../lib/lru.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import type { Bag } from './bag.ts';
import { type FileCards, writeFileCards } from './file-cards.ts';

/** A single piece takes at most this fraction (1/n) of the budget. */
const SHARE = 4;

/**
 * Cards that were written last. Clones of the same state ask for the same pieces: those that run at once share one copy of each,
 * and it is written once. It holds what everybody sees, and nothing else.
 */
export class FileCardsCache {
  private readonly budget: number;
  private readonly pieces: LruMap<string, FileCards>;
  private readonly writing = new SingleFlight<string, FileCards>();

  /** @param budget bytes of memory; pieces that are being sent may take more */
  constructor(budget: number) {
    this.budget = budget;
    this.pieces = new LruMap(budget);
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.pieces.weight;
  }

  /** As {@link writeFileCards}. Nobody may change the bytes. */
  async of(bag: Bag, from: number, maxBytes: number): Promise<FileCards> {
    const key = `${bag.repository} ${bag.digest} ${from} ${maxBytes}`;
    return this.pieces.get(key) ?? this.writing.run(key, () => this.write(key, bag, from, maxBytes));
  }

  private async write(key: string, bag: Bag, from: number, maxBytes: number): Promise<FileCards> {
    const cards = await writeFileCards(bag, from, maxBytes);
    const weight = cards.bytes.length + key.length;
    if (weight <= this.budget / SHARE) this.pieces.set(key, cards, weight);
    return cards;
  }
}
