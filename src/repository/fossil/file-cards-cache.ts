import { LruMap } from '../../lib/lru.ts';
import { SingleFlight } from '../../lib/single-flight.ts';

/** `cfile` cards with their payloads. */
export interface FileCards {
  readonly bytes: Uint8Array;
  /** How many cards there are. */
  readonly files: number;
  /** The position behind the last of them, or behind artifacts that not everybody sees; the bag's `count` at the end. */
  readonly next: number;
}

/** Which cards: those of a state, from a position on, until they reach a size. */
export interface FileCardsPlace {
  readonly repository: string;
  readonly digest: string;
  readonly from: number;
  readonly maxBytes: number;
}

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

  /** The cards of a place, as they are kept or as `write` makes them. Nobody may change the bytes. */
  async of(place: FileCardsPlace, write: () => Promise<FileCards>): Promise<FileCards> {
    const key = `${place.repository} ${place.digest} ${place.from} ${place.maxBytes}`;
    return this.pieces.get(key) ?? this.writing.run(key, () => this.write(key, write));
  }

  private async write(key: string, write: () => Promise<FileCards>): Promise<FileCards> {
    const cards = await write();
    const weight = cards.bytes.length + key.length;
    if (weight <= this.budget / SHARE) this.pieces.set(key, cards, weight);
    return cards;
  }
}
