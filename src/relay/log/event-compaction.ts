/**
 * Compaction of the event log: many entries become few event segments, without events that are not in force any more. Any
 * server may do it at any time, for the entries of all writers. The swap of the catalog decides whose compaction counts.
 */
import type { Clock } from '../../lib/clock.ts';
import { concurrently } from '../../lib/concurrently.ts';
import type { Random } from '../../lib/random.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { newestFirst } from '../../nostr/event-order.ts';
import { isExpired } from '../../nostr/expiration.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { eventSegmentKey, logEntryKey } from '../../repository/keys.ts';
import type { CatalogRecord, CondemnedRecord, EventCatalog, EventSegmentRef } from './event-catalog.ts';
import { type EventIndex, HIDDEN_SECONDS } from './event-index.ts';
import {
  type EventSegmentContent,
  encodeEvents,
  type HiddenEvent,
  type LogEntry,
  readEntry,
} from './event-log.ts';
import { eventSegmentsToMerge, readEventSegment, writeEventSegments } from './event-segments.ts';
import type { EventTail, UncompactedRun } from './event-tail.ts';

export interface CompactionOptions {
  readonly control: ObjectStore;
  readonly bulk: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly catalog: EventCatalog;
  readonly index: EventIndex;
  readonly tail: EventTail;
}

/** How many seconds compacted objects stay, for readers that have not noticed the compaction. */
const CONDEMNED_SECONDS = 10 * 60;

/** After how many seconds of silence a writer counts as gone. */
const SILENT_SECONDS = 24 * 60 * 60;

const AT_ONCE = 8;

/** How many bytes of entries one compaction takes: all of them are in memory at once. */
export const COMPACTION_BYTES = 8 * 1024 * 1024;

const COMPACTION_ID_BYTES = 8;

/**
 * Compacts the entries that have been read and are in no event segment yet, or a part of them if they are very many.
 * @param retiring a writer that writes no more: it is removed from the catalog when all its entries are compacted
 * @returns false when another server has compacted them meanwhile: then this call changed nothing
 * @throws CairnError `unavailable`, `busy`, `corrupt`: the compaction may still have happened; it may be tried again
 */
export async function compactLog(options: CompactionOptions, retiring?: string): Promise<boolean> {
  const { bulk, catalog, clock, random, index, tail } = options;
  const runs = tail.uncompactedRuns(COMPACTION_BYTES);
  const now = Math.floor(clock.now() / 1000);
  if (runs.length === 0 && retiring === undefined) return true;
  const entries = await entriesOf(options.control, runs);
  // Another server compacted them so long ago that they have been deleted.
  if (entries === undefined) return false;
  const fresh = contentOf(entries);
  const bytes = Buffer.byteLength(encodeEvents([...fresh.events, ...fresh.hidden.map(({ event }) => event)]));
  const merged = eventSegmentsToMerge(catalog.current.segments, bytes, index.size);
  const contents = await concurrently(merged, AT_ONCE, async (segment) => {
    const read = await readEventSegment(bulk, segment);
    return { events: read.events(), hidden: read.hidden };
  });
  const made = await writeEventSegments(options, standingOf(index, now, [...contents, fresh]));
  tail.made(made);
  const condemned: CondemnedRecord = {
    fold: random.hex(COMPACTION_ID_BYTES),
    at: now,
    segments: merged.map(({ digest }) => digest),
    entries: runs.map(({ writer, from, entries }) => ({ writer, from, to: from + entries.length })),
  };
  const swap: Swap = { made, condemned, retiring, read: (writer) => tail.positionOf(writer) };
  let lost = false;
  await catalog.update((current) => {
    // Our own swap succeeded and its answer was lost; or only a writer was to be removed, and it is removed already.
    if (current.condemned.some(({ fold }) => fold === condemned.fold)) return undefined;
    if (runs.length + merged.length === 0 && current.writers[retiring ?? ''] === undefined) return undefined;
    lost = !fits(current, swap);
    return lost ? undefined : swapped(current, swap);
  });
  // No reader knows these event segments. If the update throws, they stay: the catalog may name them.
  if (lost) await concurrently(made, AT_ONCE, ({ digest }) => bulk.delete(eventSegmentKey(digest)));
  return !lost;
}

/** True when {@link sweepLog} has something to do. */
export function wantsSweep({
  catalog,
  clock,
  tail,
}: Pick<CompactionOptions, 'catalog' | 'clock' | 'tail'>): boolean {
  const now = Math.floor(clock.now() / 1000);
  const { condemned, writers } = catalog.current;
  return (
    condemned.some(({ at }) => isOver(at, now)) ||
    Object.entries(writers).some(([writer, { folded }]) => {
      return isSilent(catalog.current, writer, now) && folded === tail.positionOf(writer);
    })
  );
}

/** True when a writer is gone and has left entries that are not compacted. */
export function hasAbandonedEntries({
  catalog,
  clock,
  tail,
}: Pick<CompactionOptions, 'catalog' | 'clock' | 'tail'>): boolean {
  const now = Math.floor(clock.now() / 1000);
  return tail.uncompactedWriters().some((writer) => isSilent(catalog.current, writer, now));
}

/**
 * Deletes objects that were compacted long enough ago, and removes writers that are gone. Call it right after the log has been
 * read to its end: then all entries of a silent writer are known, and it has to register again before it writes more.
 * @throws CairnError `unavailable`, `busy`, `corrupt`: the next call does the rest
 */
export async function sweepLog(options: CompactionOptions): Promise<void> {
  const { bulk, catalog, clock, control, tail } = options;
  const now = Math.floor(clock.now() / 1000);
  const due = catalog.current.condemned.filter(({ at }) => isOver(at, now));
  const segments = due.flatMap((condemned) => condemned.segments);
  const entries = due.flatMap((condemned) => condemned.entries.flatMap(keysOf));
  await concurrently(segments, AT_ONCE, (digest) => bulk.delete(eventSegmentKey(digest)));
  await concurrently(entries, AT_ONCE, (key) => control.delete(key));
  const swept = new Set(due.map(({ fold }) => fold));
  await catalog.update((current) => {
    const condemned = current.condemned.filter(({ fold }) => !swept.has(fold));
    const writers = Object.entries(current.writers).filter(
      ([writer, { folded }]) => !(isSilent(current, writer, now) && folded === tail.positionOf(writer)),
    );
    const unchanged =
      condemned.length === current.condemned.length && writers.length === Object.keys(current.writers).length;
    return unchanged ? undefined : { ...current, condemned, writers: Object.fromEntries(writers) };
  });
}

/** How a compaction changes the catalog. */
interface Swap {
  readonly made: readonly EventSegmentRef[];
  readonly condemned: CondemnedRecord;
  readonly retiring: string | undefined;
  readonly read: (writer: string) => number;
}

/** False when others have compacted the same entries or merged the same event segments. */
function fits(current: CatalogRecord, { condemned }: Swap): boolean {
  const named = new Set(current.segments.map(({ digest }) => digest));
  return (
    condemned.segments.every((digest) => named.has(digest)) &&
    condemned.entries.every(({ writer, from }) => current.writers[writer]?.folded === from)
  );
}

function swapped(current: CatalogRecord, { made, condemned, retiring, read }: Swap): CatalogRecord {
  const merged = new Set(condemned.segments);
  const writers = { ...current.writers };
  for (const { writer, to } of condemned.entries) {
    const known = writers[writer];
    if (known !== undefined) writers[writer] = { ...known, folded: to };
  }
  if (retiring !== undefined && writers[retiring]?.folded === read(retiring)) delete writers[retiring];
  const isEmpty = condemned.segments.length === 0 && condemned.entries.length === 0;
  return {
    ...current,
    segments: [...current.segments.filter(({ digest }) => !merged.has(digest)), ...made],
    writers,
    condemned: isEmpty ? current.condemned : [...current.condemned, condemned],
  };
}

/** The entries of runs; undefined when an entry has to be read again and is gone. */
async function entriesOf(
  control: ObjectStore,
  runs: readonly UncompactedRun[],
): Promise<readonly LogEntry[] | undefined> {
  const all = runs.flatMap(({ writer, from, entries }) =>
    entries.map(({ entry }, ahead) => ({ writer, sequence: from + ahead, entry })),
  );
  const read = await concurrently(all, AT_ONCE, async ({ writer, sequence, entry }) => {
    return entry ?? (await readEntry(control, writer, sequence))?.entry;
  });
  const found = read.filter((entry) => entry !== undefined);
  return found.length === read.length ? found : undefined;
}

function contentOf(entries: readonly LogEntry[]): EventSegmentContent {
  return {
    events: entries.flatMap(({ events }) => events),
    hidden: entries.flatMap(({ at, hidden }) => hidden.map((event) => ({ at, event }))),
  };
}

/**
 * The events that are still in force, each once, sorted. An event is left out only if the index knows the event that displaced
 * it, and that one is in the log, too.
 */
function standingOf(
  index: EventIndex,
  now: number,
  contents: readonly EventSegmentContent[],
): EventSegmentContent {
  const events = new Map<string, NostrEvent>();
  for (const event of contents.flatMap((content) => content.events)) {
    const verdict = index.judge(event);
    const removed = verdict === 'superseded' || (verdict === 'deleted' && !index.isWatermark(event));
    // What a deletion has deleted may be in other segments, and must not come back when the deletion has expired.
    const isOver = event.kind !== kinds.deletion && isExpired(event, now);
    if (!removed && !isOver) events.set(event.id, event);
  }
  const hidden = new Map<string, HiddenEvent>();
  for (const one of contents.flatMap((content) => content.hidden)) {
    const { at, event } = one;
    const stale = now - at > HIDDEN_SECONDS || isExpired(event, now);
    if (!stale && index.isHidden(event.id)) hidden.set(event.id, one);
  }
  return { events: [...events.values()].sort((a, b) => newestFirst(b, a)), hidden: [...hidden.values()] };
}

function isOver(condemnedAt: number, now: number): boolean {
  return now - condemnedAt > CONDEMNED_SECONDS;
}

function isSilent(current: CatalogRecord, writer: string, now: number): boolean {
  const record = current.writers[writer];
  return record !== undefined && now - record.at > SILENT_SECONDS;
}

function keysOf({ writer, from, to }: CondemnedRecord['entries'][number]): string[] {
  return Array.from({ length: to - from }, (_, ahead) => logEntryKey(writer, from + ahead));
}
