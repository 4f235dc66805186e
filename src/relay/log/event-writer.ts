import type { Clock } from '../../lib/clock.ts';
import { becauseOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { readAll } from '../../lib/streams.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { logEntryKey } from '../../repository/keys.ts';
import type { EventCatalog } from './event-catalog.ts';
import { decodeEntry, encodeEntry, type LogEntry, MAX_ENTRY_BYTES } from './event-log.ts';

/** Where an entry is, and how many bytes it has there. */
export interface LogPosition {
  readonly writer: string;
  readonly sequence: number;
  readonly bytes: number;
}

export interface EventWriterOptions {
  readonly control: ObjectStore;
  readonly catalog: EventCatalog;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of an entry that was given up as not taken, and is in the log after all. */
  readonly onLate: (position: LogPosition, entry: LogEntry) => void;
}

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 50;
const WRITER_ID_BYTES = 8;

/** Others strike a writer off the catalog after a day of silence: far more than the hour after which it speaks up. */
const SPEAK_UP_MS = 60 * 60 * 1000;

/** This process as a writer of the log. One call at a time. */
export class EventWriter {
  private readonly options: EventWriterOptions;
  private id: string;
  private next = 0;
  private registered = false;
  /** Milliseconds of the wall clock: when the catalog was last seen to hold this writer; undefined asks for a look. */
  private confirmedAt: number | undefined;

  constructor(options: EventWriterOptions) {
    this.options = options;
    this.id = options.random.hex(WRITER_ID_BYTES);
  }

  /** Its id, once it is in the catalog. */
  get writerId(): string | undefined {
    return this.registered ? this.id : undefined;
  }

  /**
   * Writes an entry. An answer that was lost is settled by reading back: only this writer makes its keys, and only if
   * they are not there yet, so what is found under one can only be something sent from here.
   * @throws CairnError `unavailable` when the store did not take it. Should it turn up later, the next entry comes after it
   */
  async write(entry: LogEntry): Promise<LogPosition> {
    const body = encodeEntry(entry);
    for (;;) {
      await this.register();
      const position = await this.put(body);
      if (this.isConfirmed()) return position;
      // It took so long that others may have struck this writer off meanwhile, and read no further.
      await this.register();
      if (this.id === position.writer) return position;
    }
  }

  /**
   * Makes sure that the catalog holds this writer, so that others follow it: before its first entry, and before any
   * entry an hour or more after. Who strikes off silent writers does so by compare-and-swap, and hence not after this.
   */
  private async register(): Promise<void> {
    if (this.isConfirmed()) return;
    const { catalog, clock, random } = this.options;
    const now = clock.now();
    const at = Math.floor(now / 1000);
    const fresh = random.hex(WRITER_ID_BYTES);
    let id = this.id;
    await catalog.update((current) => {
      const known = current.writers[this.id];
      // Struck off, or folded beyond what this process knows of: an entry written here would not be read.
      const lost = known === undefined ? this.registered : known.folded > this.next;
      id = lost ? fresh : this.id;
      const record = current.writers[id];
      if (record !== undefined && record.at >= at) return undefined;
      return { ...current, writers: { ...current.writers, [id]: { folded: record?.folded ?? 0, at } } };
    });
    if (id !== this.id) this.next = 0;
    this.id = id;
    this.registered = true;
    this.confirmedAt = now;
  }

  private isConfirmed(): boolean {
    return this.confirmedAt !== undefined && this.options.clock.now() - this.confirmedAt < SPEAK_UP_MS;
  }

  private async put(body: Buffer): Promise<LogPosition> {
    const { clock, random } = this.options;
    let problem: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await clock.sleep(FIRST_PAUSE_MS * 2 ** attempt * (0.5 + random.fraction()));
      try {
        const taken = await this.tryPut(body);
        if (taken !== undefined) return taken;
      } catch (error) {
        problem = error;
      }
    }
    // What was sent may still arrive, and be folded by others, before this process hears of it.
    this.confirmedAt = undefined;
    throw becauseOf('unavailable', 'the event log could not be written', problem);
  }

  /** @returns undefined when it is not there and may be sent again */
  private async tryPut(body: Buffer): Promise<LogPosition | undefined> {
    for (;;) {
      const [writer, sequence] = [this.id, this.next];
      const key = logEntryKey(writer, sequence);
      const put = await this.options.control.put(key, body, { mode: 'create' });
      const there = put.outcome === 'written' ? body : await this.readBack(key);
      if (there === undefined) {
        if (put.outcome === 'unknown') throw put.cause;
        return undefined;
      }
      this.next++;
      const position = { writer, sequence, bytes: there.length };
      if (there.equals(body)) return position;
      this.options.onLate(position, decodeEntry(key, there));
    }
  }

  private async readBack(key: string): Promise<Buffer | undefined> {
    const found = await this.options.control.get(key);
    return found.found ? readAll(found.body, MAX_ENTRY_BYTES) : undefined;
  }
}
