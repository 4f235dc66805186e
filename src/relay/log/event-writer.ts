import type { Clock } from '../../lib/clock.ts';
import { becauseOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { readAll } from '../../lib/streams.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { logEntryKey } from '../../repository/keys.ts';
import type { EventCatalog } from './event-catalog.ts';
import { decodeEntry, encodeEntry, type LogEntry, MAX_ENTRY_BYTES } from './event-log.ts';

/** The key and the size of an entry. */
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
  /** Called with an entry whose write was reported as failed, and that is in the log after all. */
  readonly onLate: (position: LogPosition, entry: LogEntry) => void;
}

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 50;
const WRITER_ID_BYTES = 8;

/** How long a registration counts. Other servers remove a writer only after a day of silence. */
const SPEAK_UP_MS = 60 * 60 * 1000;

/** Writes the entries of this process to the log. One call at a time. */
export class EventWriter {
  private readonly options: EventWriterOptions;
  private id: string;
  private next = 0;
  private registered = false;
  /** Wall-clock milliseconds when this writer was last known to be in the catalog; undefined: register again. */
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
   * Writes an entry. After a lost answer it reads the key back: only this writer creates its keys, and only if they are
   * missing, so whatever is found was sent from here.
   * @throws CairnError `unavailable` when the store did not take it. If the entry appears later, the next one comes after it
   */
  async write(entry: LogEntry): Promise<LogPosition> {
    const body = encodeEntry(entry);
    for (;;) {
      await this.register();
      const position = await this.put(body);
      if (this.isConfirmed()) return position;
      // It took so long that others may have removed this writer meanwhile, and may not read its entry.
      await this.register();
      if (this.id === position.writer) return position;
    }
  }

  /**
   * Makes sure that the catalog lists this writer, so that others follow it: before its first entry, and before any entry an
   * hour or more later. Silent writers are removed by compare-and-swap, so not after this.
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
      // The writer was removed, or compacted beyond what this process has written: others would not read an entry here.
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
    // The write may still arrive, and others may compact it, before this process knows of it.
    this.confirmedAt = undefined;
    throw becauseOf('unavailable', 'the event log could not be written', problem);
  }

  /** @returns undefined when the entry is not there and may be sent again */
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
