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

/**
 * Cards that are being written. Clones of the same state that run at once ask for the same pieces: each is written once, and all of
 * them send the same bytes. It has what everybody sees, and nothing else. Nothing is kept longer: pieces of a megabyte that grow old
 * cost the garbage collector twice of what writing them again does.
 */
export class SharedFileCards {
  private readonly writing = new SingleFlight<string, FileCards>();

  /** The cards of a place, which `write` makes unless it does so already. The bytes must not be changed. */
  of(place: FileCardsPlace, write: () => Promise<FileCards>): Promise<FileCards> {
    const { repository, digest, from, maxBytes } = place;
    return this.writing.run(`${repository} ${digest} ${from} ${maxBytes}`, write);
  }
}
