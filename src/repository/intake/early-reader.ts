import type { Clock } from '../../lib/clock.ts';
import { Yielder } from '../../lib/cooperative.ts';
import type { EarlyEntries } from './early-entries.ts';

/** Bytes that are read in one turn of the event loop at least, and at most: one millisecond, or a few. */
const LEAST = 64 * 1024;
const MOST = 128 * 1024;
/** Bytes of a tree that is larger than what was read. */
const LARGE = 256 * 1024;
/** Milliseconds until git is asked for more, once all was given to it. */
const WAIT_MS = 10;

/** A pack that git is at work on, as far as it has come. */
interface Growing {
  /** Reads up to so many bytes: fewer where there are no more yet. */
  read(position: number, length: number): Promise<Buffer>;
}

/** Reads trees out of a pack beside git, which is never held up by it. */
export class EarlyReader {
  private readonly entries: EarlyEntries;
  private readonly pack: Growing;
  private readonly clock: Pick<Clock, 'sleep'>;
  private readonly over = new AbortController();
  private readonly reading: Promise<void>;
  private came = 0;
  private isWhole = false;
  private wake: () => void = () => undefined;

  constructor(entries: EarlyEntries, pack: Growing, clock: Pick<Clock, 'sleep'>) {
    this.entries = entries;
    this.pack = pack;
    this.clock = clock;
    this.reading = this.read();
    // Whoever calls `end` hears of a failure. Until then it must not end the process.
    this.reading.catch(() => undefined);
  }

  /** @param bytes of the pack that git was given so far @param isWhole true when that is all of it */
  grown(bytes: number, isWhole: boolean): void {
    this.came = bytes;
    this.isWhole = isWhole;
    this.wake();
  }

  /** Stops where it is. @throws what reading the pack throws */
  async end(): Promise<void> {
    this.over.abort();
    this.wake();
    await this.reading;
  }

  private async read(): Promise<void> {
    const { entries, pack, over } = this;
    const pauses = new Yielder();
    let length = MOST;
    while (!over.signal.aborted && !entries.isOver) {
      const known = this.came;
      if (!this.isWhole && known - entries.position < LEAST) {
        await this.more(known);
        continue;
      }
      const bytes = await pack.read(entries.position, length);
      const isEnough = bytes.length >= LEAST || (this.isWhole && bytes.length > 0);
      const goesOn = isEnough && entries.take(bytes);
      if (goesOn) length = MOST;
      else if (bytes.length === length && length < LARGE) length = LARGE;
      else await this.more(known);
      await pauses.next();
    }
  }

  /** Waits until there may be more than when so many bytes had come. */
  private async more(known: number): Promise<void> {
    const { clock, over } = this;
    if (this.isWhole) {
      await clock.sleep(WAIT_MS, over.signal).catch(() => undefined);
      return;
    }
    if (this.came === known && !over.signal.aborted)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
  }
}
