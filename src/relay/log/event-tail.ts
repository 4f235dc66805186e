import type { Clock } from '../../lib/clock.ts';
import { concurrently } from '../../lib/concurrently.ts';
import type { Digest } from '../../lib/digest.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import type { CatalogRecord, EventCatalog } from './event-catalog.ts';
import { type LogEntry, readEntry, type SegmentContent } from './event-log.ts';
import { readSegment } from './event-segments.ts';
import type { LogPosition } from './event-writer.ts';
import type { StoredSegment } from './stored-segment.ts';

export interface EventTailOptions {
  readonly control: ObjectStore;
  readonly bulk: ObjectStore;
  readonly clock: Clock;
  readonly catalog: EventCatalog;
  /** The writer this process is, which it need not follow; undefined before it has written. */
  readonly own: () => string | undefined;
  /** Told of everything read, in no order that matters. What it throws ends the reading, which is done again. */
  readonly learn: (content: SegmentContent | StoredSegment) => void;
}

/** An entry that is in no segment yet. */
export interface UnfoldedEntry {
  readonly bytes: number;
  /** Undefined when it is to be read again, so that memory is not full of entries. */
  readonly entry: LogEntry | undefined;
}

/** Consecutive entries of one writer that are in no segment yet. */
export interface UnfoldedRun {
  readonly writer: string;
  readonly from: number;
  readonly entries: readonly UnfoldedEntry[];
}

/** Segments in memory at once; one has 4 MiB and takes about five times as much while it is read. */
const SEGMENTS_AT_ONCE = 2;
const WRITERS_AT_ONCE = 16;
const ENTRIES_AT_ONCE = 16;

/** Bytes of entries of one writer that are asked for at once, as far as that can be told beforehand. */
const BYTES_AT_ONCE = 2 * 1024 * 1024;

/** Bytes of entries that are kept until they are folded; of more it is only known that they are there. */
const HELD_BYTES = 4 * 1024 * 1024;

/**
 * The catalog tells for ten minutes what was folded. Who has not looked for half of that can no longer know whether a
 * segment holds only what he has read already, and reads it.
 */
const LONG_AWAY_MS = 5 * 60 * 1000;

/** Reads the log, and remembers how far: what all servers have written, each entry once, or the segment it went into. */
export class EventTail {
  private readonly options: EventTailOptions;
  /** By writer: the sequence of the entry to be read next. */
  private readonly positions = new Map<string, number>();
  private readonly unfolded = new Map<string, { from: number; entries: UnfoldedEntry[] }>();
  /** Segments of which nothing is to be learnt any more. */
  private known = new Set<Digest>();
  private takenRevision = -1;
  private lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: EventTailOptions) {
    this.options = options;
  }

  /** Entries read or written that are in no segment yet. */
  get unfoldedEntries(): number {
    let sum = 0;
    for (const { entries } of this.unfolded.values()) sum += entries.length;
    return sum;
  }

  /** Their bytes in the store. */
  get unfoldedBytes(): number {
    let sum = 0;
    for (const { entries } of this.unfolded.values()) for (const { bytes } of entries) sum += bytes;
    return sum;
  }

  /** Those who have written them. */
  unfoldedWriters(): string[] {
    return [...this.unfolded].filter(([, { entries }]) => entries.length > 0).map(([writer]) => writer);
  }

  /** Those entries. @param room bytes of them that are wanted at most; one is returned in any case */
  unfoldedRuns(room: number): UnfoldedRun[] {
    const runs: UnfoldedRun[] = [];
    let bytes = 0;
    for (const [writer, { from, entries }] of this.unfolded) {
      let to = 0;
      for (const entry of entries) {
        if (bytes > 0 && bytes + entry.bytes > room) break;
        bytes += entry.bytes;
        to++;
      }
      if (to > 0) runs.push({ writer, from, entries: entries.slice(0, to) });
    }
    return runs;
  }

  /** How many entries of a writer have been read. */
  positionOf(writer: string): number {
    return this.positions.get(writer) ?? 0;
  }

  /** Told of an entry that this process has written itself. */
  written({ writer, sequence, bytes }: LogPosition, entry: LogEntry): void {
    this.note(writer, sequence, entry, bytes);
  }

  /**
   * Reads what has been written since the last time.
   * @throws CairnError `unavailable`, `corrupt`: the rest has been read, and the next call reads what is missing
   */
  async follow(): Promise<void> {
    const { catalog, clock, own } = this.options;
    const asked = clock.now();
    const current = await catalog.refresh();
    if (current.revision !== this.takenRevision) {
      const longAway = asked - this.lookedAt > LONG_AWAY_MS;
      if (longAway || this.hasMissed(current)) await this.takeSegments(current);
      this.known = new Set(current.segments.map((segment) => segment.digest));
      this.settle(current);
      this.takenRevision = current.revision;
    }
    this.lookedAt = asked;
    const writers = Object.keys(current.writers).filter((writer) => writer !== own());
    await concurrently(writers, WRITERS_AT_ONCE, (writer) => this.followWriter(writer));
  }

  /** Told of segments made here of entries that have been read: there is nothing to learn from them. */
  made(segments: readonly { readonly digest: Digest }[]): void {
    for (const { digest } of segments) this.known.add(digest);
  }

  private async followWriter(writer: string): Promise<void> {
    for (let width = 1, largest = 1; ; ) {
      const from = this.positionOf(writer);
      const sequences = Array.from({ length: width }, (_, ahead) => from + ahead);
      const entries = await concurrently(sequences, width, (sequence) =>
        readEntry(this.options.control, writer, sequence),
      );
      for (const [ahead, found] of entries.entries()) {
        // The last holds for the first entry of this very process, found while it was still getting its answer.
        if (found === undefined || writer === this.options.own()) return;
        const { at, events, hidden } = found.entry;
        this.options.learn({ events, hidden: hidden.map((event) => ({ at, event })) });
        this.note(writer, from + ahead, found.entry, found.bytes);
        largest = Math.max(largest, found.bytes);
      }
      width = Math.max(1, Math.min(2 * width, ENTRIES_AT_ONCE, Math.floor(BYTES_AT_ONCE / largest)));
    }
  }

  /** Whether something was folded, and may be gone as entries, that has not been read here. */
  private hasMissed(current: CatalogRecord): boolean {
    const folded = Object.entries(current.writers).map(([writer, { folded: to }]) => ({ writer, to }));
    const lately = current.condemned.flatMap(({ entries }) => entries);
    return [...folded, ...lately].some(
      ({ writer, to }) => writer !== this.options.own() && to > this.positionOf(writer),
    );
  }

  private async takeSegments(current: CatalogRecord): Promise<void> {
    const unknown = current.segments.filter(({ digest }) => !this.known.has(digest));
    // Never all at once: the log may be larger than memory.
    const largest = unknown.reduce((most, { size }) => Math.max(most, size), 0);
    const rooms: Buffer[] = [];
    await concurrently(unknown, SEGMENTS_AT_ONCE, async (segment) => {
      const room = rooms.pop() ?? Buffer.allocUnsafeSlow(largest);
      this.options.learn(await readSegment(this.options.bulk, segment, room));
      this.known.add(segment.digest);
      // Nothing that was learnt refers to it.
      rooms.push(room);
    });
  }

  /** Moves positions past what is in segments, and forgets entries that are, and writers that are no more. */
  private settle(current: CatalogRecord): void {
    const own = this.options.own();
    for (const [writer, { folded }] of Object.entries(current.writers)) {
      if (writer !== own && folded > this.positionOf(writer)) this.positions.set(writer, folded);
      const run = this.unfolded.get(writer);
      if (run === undefined || folded <= run.from) continue;
      run.entries.splice(0, folded - run.from);
      run.from = folded;
    }
    const lately = new Set(current.condemned.flatMap(({ entries }) => entries.map(({ writer }) => writer)));
    for (const writer of this.positions.keys()) {
      if (writer === own || current.writers[writer] !== undefined) continue;
      this.unfolded.delete(writer);
      if (!lately.has(writer)) this.positions.delete(writer);
    }
  }

  private note(writer: string, sequence: number, whole: LogEntry, bytes: number): void {
    this.positions.set(writer, sequence + 1);
    const entry = { bytes, entry: this.heldBytes() + bytes > HELD_BYTES ? undefined : whole };
    const run = this.unfolded.get(writer);
    if (run === undefined || run.from + run.entries.length !== sequence) {
      this.unfolded.set(writer, { from: sequence, entries: [entry] });
    } else {
      run.entries.push(entry);
    }
  }

  private heldBytes(): number {
    let sum = 0;
    for (const { entries } of this.unfolded.values()) {
      for (const { bytes, entry } of entries) if (entry !== undefined) sum += bytes;
    }
    return sum;
  }
}
