import type { Clock } from '../lib/clock.ts';
import { concurrently } from '../lib/concurrently.ts';
import type { Digest } from '../lib/digest.ts';
import { newestFirst } from '../nostr/event-order.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { CatalogRecord, EventCatalog } from './event-catalog.ts';
import { type LogEntry, readEntry } from './event-log.ts';
import { readSegment, type SegmentContent } from './event-segments.ts';
import type { LogPosition } from './event-writer.ts';

export interface EventTailOptions {
  readonly control: ObjectStore;
  readonly bulk: ObjectStore;
  readonly clock: Clock;
  readonly catalog: EventCatalog;
  /** The writer this process is, which it need not follow; undefined before it has written. */
  readonly own: () => string | undefined;
  /** Told of everything read, in no order that matters. */
  readonly learn: (content: SegmentContent) => void;
}

/** Consecutive entries of one writer that are in no segment yet. */
export interface UnfoldedRun {
  readonly writer: string;
  readonly from: number;
  readonly entries: readonly LogEntry[];
}

const SEGMENTS_AT_ONCE = 8;
const WRITERS_AT_ONCE = 16;
const ENTRIES_AT_ONCE = 16;

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
  private readonly unfolded = new Map<string, { from: number; entries: LogEntry[] }>();
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

  /** Those entries. */
  unfoldedRuns(): UnfoldedRun[] {
    return [...this.unfolded]
      .map(([writer, { from, entries }]) => ({ writer, from, entries: [...entries] }))
      .filter(({ entries }) => entries.length > 0);
  }

  /** How many entries of a writer have been read. */
  positionOf(writer: string): number {
    return this.positions.get(writer) ?? 0;
  }

  /** Told of an entry that this process has written itself. */
  written({ writer, sequence }: LogPosition, entry: LogEntry): void {
    this.note(writer, sequence, entry);
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
    for (let width = 1; ; width = Math.min(2 * width, ENTRIES_AT_ONCE)) {
      const from = this.positionOf(writer);
      const sequences = Array.from({ length: width }, (_, ahead) => from + ahead);
      const entries = await concurrently(sequences, width, (sequence) =>
        readEntry(this.options.control, writer, sequence),
      );
      for (const [ahead, entry] of entries.entries()) {
        // The last holds for the first entry of this very process, found while it was still getting its answer.
        if (entry === undefined || writer === this.options.own()) return;
        const { at, events, hidden } = entry;
        this.note(writer, from + ahead, entry);
        this.options.learn({ events, hidden: hidden.map((event) => ({ at, event })) });
      }
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
    const contents = await concurrently(unknown, SEGMENTS_AT_ONCE, (segment) =>
      readSegment(this.options.bulk, segment),
    );
    this.options.learn({
      // The oldest first: that is the order in which they are put in their places fastest.
      events: contents.flatMap(({ events }) => events).sort((a, b) => newestFirst(b, a)),
      hidden: contents.flatMap(({ hidden }) => hidden),
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

  private note(writer: string, sequence: number, entry: LogEntry): void {
    this.positions.set(writer, sequence + 1);
    const run = this.unfolded.get(writer);
    if (run === undefined || run.from + run.entries.length !== sequence) {
      this.unfolded.set(writer, { from: sequence, entries: [entry] });
    } else {
      run.entries.push(entry);
    }
  }
}
