import type { Clock } from '../../../lib/clock.ts';
import { Yielder } from '../../../lib/cooperative.ts';
import type { EarlyEntries } from '../entries/early-entries.ts';

/** Bytes that are read in one turn of the event loop: a few milliseconds. */
const USUAL = 128 * 1024;
/** Bytes of a tree that is larger than what was read. */
const LARGE = 256 * 1024;
/** Milliseconds until more is looked for, when git has written no more. */
const WAIT_MS = 10;

/** A pack that git is at work on, as far as it has come. */
interface Growing {
  /** Reads up to so many bytes: fewer where there are no more yet. */
  read(position: number, length: number): Promise<Buffer>;
}

/**
 * Reads trees out of a pack beside git, which is never held up by it. It begins when git was given all of the pack: while that comes in,
 * the client and git need the processors. Then git resolves deltas, and its threads wait for each other most of the time.
 */
export class EarlyReader {
  private readonly entries: EarlyEntries;
  private readonly pack: Growing;
  private readonly size: number;
  private readonly clock: Pick<Clock, 'sleep'>;
  private readonly over = new AbortController();
  private readonly reading: Promise<void>;

  /**
   * @param size bytes of the pack without its checksum, which git does not write before it is done
   * @param onRead called when nothing more is read
   */
  constructor(
    entries: EarlyEntries,
    pack: Growing,
    size: number,
    clock: Pick<Clock, 'sleep'>,
    onRead: () => void = () => undefined,
  ) {
    this.entries = entries;
    this.pack = pack;
    this.size = size;
    this.clock = clock;
    this.reading = this.read().finally(onRead);
    // The caller of `end` gets the failure. Until then it must not end the process.
    this.reading.catch(() => undefined);
  }

  /** Stops where it is. @throws what reading the pack throws */
  async end(): Promise<void> {
    this.over.abort();
    await this.reading;
  }

  private async read(): Promise<void> {
    const { entries, pack, size, clock, over } = this;
    const pauses = new Yielder();
    let length = USUAL;
    while (!over.signal.aborted && !entries.isOver) {
      const bytes = await pack.read(entries.position, length);
      if (bytes.length > 0 && entries.take(bytes)) length = USUAL;
      else if (bytes.length === length && length < LARGE) length = LARGE;
      else if (entries.position + bytes.length >= size) return;
      else await clock.sleep(WAIT_MS, over.signal).catch(() => undefined);
      await pauses.next();
    }
  }
}
