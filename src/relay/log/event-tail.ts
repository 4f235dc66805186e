import type { Clock } from '../../lib/clock.ts';
import { concurrently } from '../../lib/concurrently.ts';
import type { Digest } from '../../lib/digest.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import type { CatalogRecord, EventCatalog } from './event-catalog.ts';
import { type EventSegmentContent, type LogEntry, readEntry } from './event-log.ts';
import { readEventSegment } from './event-segments.ts';
import type { LogPosition } from './event-writer.ts';
import type { StoredEventSegment } from './stored-segment.ts';

export interface EventTailOptions {
  readonly control: ObjectStore;
  readonly bulk: ObjectStore;
  readonly clock: Clock;
  readonly catalog: EventCatalog;
  /** The id of this process as a writer, which it need not follow; undefined before it has written. */
  readonly own: () => string | undefined;
  /** Called with everything that is read, in any sequence. If it throws, reading ends, and is repeated later. */
  readonly learn: (content: EventSegmentContent | StoredEventSegment) => void;
}

/** An entry that is in no event segment yet. */
export interface UncompactedEntry {
  readonly bytes: number;
  /** Undefined when the entry has to be read again: not all of them are kept in memory. */
  readonly entry: LogEntry | undefined;
}

/** Consecutive entries of one writer that are in no event segment yet. */
export interface UncompactedRun {
  readonly writer: string;
  readonly from: number;
  readonly entries: readonly UncompactedEntry[];
}

/** How many event segments are in memory at once; one has 4 MiB, and takes about five times as much while it is read. */
const SEGMENTS_AT_ONCE = 2;
const WRITERS_AT_ONCE = 16;
const ENTRIES_AT_ONCE = 16;

/** How many bytes of one writer's entries are requested at once, as far as that can be estimated. */
const BYTES_AT_ONCE = 2 * 1024 * 1024;

/** How many bytes of entries are kept in memory until they are compacted; others are read again. */
const KEPT_BYTES = 4 * 1024 * 1024;

/**
 * The catalog lists for ten minutes what was compacted. A reader that has not read it for half of that cannot tell whether it
 * knows all events of an event segment, and reads it.
 */
const LONG_AWAY_MS = 5 * 60 * 1000;

/** Reads the log and remembers how far: what all servers have written, each entry once, or its event segment. */
export class EventTail {
  private readonly options: EventTailOptions;
  /** By writer: the sequence number of the next entry to read. */
  private readonly positions = new Map<string, number>();
  private readonly uncompacted = new Map<string, { from: number; entries: UncompactedEntry[] }>();
  /** Event segments that contain nothing new. */
  private known = new Set<Digest>();
  private takenRevision = -1;
  private lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: EventTailOptions) {
    this.options = options;
  }

  /** How many entries, read or written, are in no event segment yet. */
  get uncompactedEntries(): number {
    let sum = 0;
    for (const { entries } of this.uncompacted.values()) sum += entries.length;
    return sum;
  }

  /** Their size in the store. */
  get uncompactedBytes(): number {
    let sum = 0;
    for (const { entries } of this.uncompacted.values()) for (const { bytes } of entries) sum += bytes;
    return sum;
  }

  /** Their writers. */
  uncompactedWriters(): string[] {
    return [...this.uncompacted].filter(([, { entries }]) => entries.length > 0).map(([writer]) => writer);
  }

  /** Those entries. @param room how many bytes of them are wanted; returns at least one entry */
  uncompactedRuns(room: number): UncompactedRun[] {
    const runs: UncompactedRun[] = [];
    let bytes = 0;
    for (const [writer, { from, entries }] of this.uncompacted) {
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

  /** Notes an entry that this process has written itself. */
  written({ writer, sequence, bytes }: LogPosition, entry: LogEntry): void {
    this.note(writer, sequence, entry, bytes);
  }

  /**
   * Reads what has been written since the last call.
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

  /** Notes event segments made here from entries that have been read: they contain nothing new. */
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
        // The second case: this process's own first entry, read before its write had returned.
        if (found === undefined || writer === this.options.own()) return;
        const { at, events, hidden } = found.entry;
        this.options.learn({ events, hidden: hidden.map((event) => ({ at, event })) });
        this.note(writer, from + ahead, found.entry, found.bytes);
        largest = Math.max(largest, found.bytes);
      }
      width = Math.max(1, Math.min(2 * width, ENTRIES_AT_ONCE, Math.floor(BYTES_AT_ONCE / largest)));
    }
  }

  /** True when entries that have not been read here were compacted: they may be deleted already. */
  private hasMissed(current: CatalogRecord): boolean {
    const folded = Object.entries(current.writers).map(([writer, { folded: to }]) => ({ writer, to }));
    const lately = current.condemned.flatMap(({ entries }) => entries);
    return [...folded, ...lately].some(
      ({ writer, to }) => writer !== this.options.own() && to > this.positionOf(writer),
    );
  }

  private async takeSegments(current: CatalogRecord): Promise<void> {
    const unknown = current.segments.filter(({ digest }) => !this.known.has(digest));
    // Not all at once: the log may be larger than memory.
    const largest = unknown.reduce((most, { size }) => Math.max(most, size), 0);
    const rooms: Buffer[] = [];
    await concurrently(unknown, SEGMENTS_AT_ONCE, async (segment) => {
      const room = rooms.pop() ?? Buffer.allocUnsafeSlow(largest);
      this.options.learn(await readEventSegment(this.options.bulk, segment, room));
      this.known.add(segment.digest);
      // Nothing refers to the buffer any more.
      rooms.push(room);
    });
  }

  /** Moves positions past compacted entries, and forgets those entries and writers that are gone. */
  private settle(current: CatalogRecord): void {
    const own = this.options.own();
    for (const [writer, { folded }] of Object.entries(current.writers)) {
      if (writer !== own && folded > this.positionOf(writer)) this.positions.set(writer, folded);
      const run = this.uncompacted.get(writer);
      if (run === undefined || folded <= run.from) continue;
      run.entries.splice(0, folded - run.from);
      run.from = folded;
    }
    const lately = new Set(current.condemned.flatMap(({ entries }) => entries.map(({ writer }) => writer)));
    for (const writer of this.positions.keys()) {
      if (writer === own || current.writers[writer] !== undefined) continue;
      this.uncompacted.delete(writer);
      if (!lately.has(writer)) this.positions.delete(writer);
    }
  }

  private note(writer: string, sequence: number, whole: LogEntry, bytes: number): void {
    this.positions.set(writer, sequence + 1);
    const entry = { bytes, entry: this.keptBytes() + bytes > KEPT_BYTES ? undefined : whole };
    const run = this.uncompacted.get(writer);
    if (run === undefined || run.from + run.entries.length !== sequence) {
      this.uncompacted.set(writer, { from: sequence, entries: [entry] });
    } else {
      run.entries.push(entry);
    }
  }

  private keptBytes(): number {
    let sum = 0;
    for (const { entries } of this.uncompacted.values()) {
      for (const { bytes, entry } of entries) if (entry !== undefined) sum += bytes;
    }
    return sum;
  }
}
