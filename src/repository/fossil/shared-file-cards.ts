import { BufferPool } from '../../lib/buffer-pool.ts';

/** `cfile` cards with their payloads. */
export interface FileCards {
  /** They must not be changed. */
  readonly bytes: Uint8Array;
  /** How many cards there are. */
  readonly files: number;
  /** The position behind the last of them, or behind artifacts that not everybody sees; the bag's `count` at the end. */
  readonly next: number;
  /**
   * Lets the memory serve again, once whoever got these cards has sent them; `bytes` must not be read afterwards. Cards that are
   * never released are garbage like others.
   */
  release(): void;
}

/** Which cards: those of a state, from a position on, until they reach a size. */
export interface FileCardsPlace {
  readonly repository: string;
  readonly digest: string;
  readonly from: number;
  readonly maxBytes: number;
}

/** Bytes of cards that are written at once; the last card may take more. */
export const RUN_BYTES = 1_000_000;

/** Bytes of a buffer: those of a run, and of most last cards. */
const BUFFER_BYTES = RUN_BYTES + 64 * 1024;

/** Buffers that are kept: what two pages of clones need. */
const KEPT = 10;

/** Writes cards into memory that it is given. */
export type WriteFileCards = (memory: CardMemory) => Promise<Omit<FileCards, 'release'>>;

/** Memory for the cards of one run. */
export class CardMemory {
  private readonly pool: BufferPool;
  private taken: Buffer | undefined;

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  /** Memory of so many bytes, with whatever is in it. To be called once. */
  take(bytes: number): Buffer {
    if (bytes > this.pool.size) return Buffer.allocUnsafeSlow(bytes);
    this.taken = this.pool.take();
    return this.taken.subarray(0, bytes);
  }

  /** Gives the memory back. */
  giveBack(): void {
    const { taken } = this;
    this.taken = undefined;
    if (taken !== undefined) this.pool.give(taken);
  }
}

/** A run that is being written, and how many will send it. */
interface Writing {
  readonly memory: CardMemory;
  readonly cards: Promise<Omit<FileCards, 'release'>>;
  users: number;
}

/**
 * Cards that are being written. Clones of the same state that run at once ask for the same pieces: each is written once, and all of
 * them send the same bytes. It has what everybody sees, and nothing else. Nothing is kept longer. The memory of a piece serves again
 * when the last clone has sent it ([decision 73](../../../docs/decisions/0073-an-answer-uses-its-memory-again.md)).
 */
export class SharedFileCards {
  private readonly pool = new BufferPool({ size: BUFFER_BYTES, most: KEPT });
  private readonly writing = new Map<string, Writing>();

  /** The cards of a place, which `write` makes unless it does so already. */
  async of(place: FileCardsPlace, write: WriteFileCards): Promise<FileCards> {
    const { repository, digest, from, maxBytes } = place;
    const key = `${repository} ${digest} ${from} ${maxBytes}`;
    const run = this.writing.get(key) ?? this.begin(key, write);
    run.users++;
    const cards = await run.cards;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      run.users--;
      if (run.users === 0) run.memory.giveBack();
    };
    return { ...cards, release };
  }

  private begin(key: string, write: WriteFileCards): Writing {
    const memory = new CardMemory(this.pool);
    // Nobody joins once they are written: the first who has sent them would give back what the others send.
    const cards = write(memory).finally(() => this.writing.delete(key));
    const run: Writing = { memory, cards, users: 0 };
    this.writing.set(key, run);
    return run;
  }
}
