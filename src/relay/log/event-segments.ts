/**
 * Event segments: many entries of the log in one immutable object named by its digest.
 *
 *     {"version":1,"nonce":<random>,"events":[<event>…],"hidden":[{"at":<seconds>,"event":<event>}…]}
 *
 * The nonce makes every object different. Otherwise a segment that is condemned could be written again, and then be deleted
 * while it is in use.
 */
import type { Clock } from '../../lib/clock.ts';
import { sha256 } from '../../lib/digest.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { readInto } from '../../lib/streams.ts';
import { encodeEvent } from '../../nostr/event.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { eventSegmentKey } from '../../repository/keys.ts';
import type { EventSegmentRef } from './event-catalog.ts';
import { damaged, type EventSegmentContent } from './event-log.ts';
import { StoredEventSegment } from './stored-segment.ts';

/** Size of a full event segment. */
export const EVENT_SEGMENT_BYTES = 4 * 1024 * 1024;

export interface EventSegmentOptions {
  readonly bulk: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** How often a write is tried. Repeating it is safe: the name is the digest of the content. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 50;
const NONCE_BYTES = 16;

/** Segments hold too many events when they hold more than this many for each event in force, and so many more. */
const WASTE_FACTOR = 2;
const WASTE_ALLOWED = 10_000;
const FULL_AT_ONCE = 2;

/**
 * Writes events as event segments, as many as their size needs.
 * @throws CairnError `unavailable` when the store does not take them
 */
export async function writeEventSegments(
  options: EventSegmentOptions,
  content: EventSegmentContent,
): Promise<EventSegmentRef[]> {
  const events = content.events.map(encodeEvent);
  const hidden = content.hidden.map(({ at, event }) => `{"at":${at},"event":${encodeEvent(event)}}`);
  const written: EventSegmentRef[] = [];
  for (let event = 0, concealed = 0; event < events.length || concealed < hidden.length; ) {
    const shown = fill(events, event, EVENT_SEGMENT_BYTES);
    const rest = fill(hidden, concealed, EVENT_SEGMENT_BYTES - shown.bytes);
    event += shown.members.length;
    concealed += rest.members.length;
    written.push(await writeEventSegment(options, shown.members, rest.members));
  }
  return written;
}

/**
 * Reads an event segment and verifies its digest.
 * @param room a buffer for its bytes; a caller that reads many segments one after another may use one buffer
 * @throws CairnError `corrupt` when it is missing or does not match its digest; `unavailable` when the store does not answer
 */
export async function readEventSegment(
  bulk: ObjectStore,
  segment: EventSegmentRef,
  room: Buffer = Buffer.allocUnsafe(segment.size),
): Promise<StoredEventSegment> {
  const key = eventSegmentKey(segment.digest);
  const found = await bulk.get(key);
  if (!found.found) throw damaged(key, 'it is not in the object store');
  if (found.size !== segment.size) {
    found.body.destroy();
    throw damaged(key, `it has ${found.size} bytes instead of ${segment.size}`);
  }
  const bytes = await readInto(found.body, room.subarray(0, segment.size));
  if (sha256(bytes) !== segment.digest) throw damaged(key, 'its bytes do not match its digest');
  return StoredEventSegment.parse(key, bytes);
}

/** How many bytes of segments one compaction rewrites at most: all of them are in memory at once. */
const MERGED_BYTES = 8 * 1024 * 1024;

/**
 * Which segments a compaction rewrites together with new entries, so that their number grows with the logarithm of their
 * content: from the smallest up, as long as the next is at most twice as large as all before. Full ones stay, unless most of
 * the events in segments are not in force any more: then the oldest few are rewritten, too.
 * @param fresh bytes of the new entries
 * @param standing how many events are in force, in segments or not
 */
export function eventSegmentsToMerge(
  segments: readonly EventSegmentRef[],
  fresh: number,
  standing: number,
): EventSegmentRef[] {
  const full = segments.filter(({ size }) => size >= EVENT_SEGMENT_BYTES / 2);
  const small = segments.filter(({ size }) => size < EVENT_SEGMENT_BYTES / 2).sort((a, b) => a.size - b.size);
  const merged: EventSegmentRef[] = [];
  let total = fresh;
  for (const segment of small) {
    if (segment.size > 2 * total || total - fresh + segment.size > MERGED_BYTES) break;
    merged.push(segment);
    total += segment.size;
  }
  const kept = segments.reduce((sum, { count }) => sum + count, 0);
  const wasteful = kept > WASTE_FACTOR * standing + WASTE_ALLOWED;
  return wasteful ? [...merged, ...full.slice(0, FULL_AT_ONCE)] : merged;
}

async function writeEventSegment(
  { bulk, clock, random }: EventSegmentOptions,
  events: readonly string[],
  hidden: readonly string[],
): Promise<EventSegmentRef> {
  const nonce = random.hex(NONCE_BYTES);
  const text = `{"version":1,"nonce":"${nonce}","events":[${events.join(',')}],"hidden":[${hidden.join(',')}]}`;
  const body = Buffer.from(text);
  const segment = { digest: sha256(body), size: body.length, count: events.length + hidden.length };
  let problem: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await clock.sleep(FIRST_PAUSE_MS * 2 ** attempt * (0.5 + random.fraction()));
    try {
      const put = await bulk.put(eventSegmentKey(segment.digest), body, { mode: 'create' });
      if (put.outcome === 'written' || put.outcome === 'exists') return segment;
      problem = put.outcome === 'unknown' ? put.cause : put.outcome;
    } catch (error) {
      problem = error;
    }
  }
  throw new CairnError(
    'unavailable',
    `the object store did not take a segment of the event log: ${messageOf(problem)}`,
    { cause: problem },
  );
}

/** The members from a position on that fit into `room` bytes. The first member of a segment always fits. */
function fill(
  members: readonly string[],
  from: number,
  room: number,
): { readonly members: readonly string[]; readonly bytes: number } {
  let bytes = 0;
  let to = from;
  for (; to < members.length; to++) {
    const size = Buffer.byteLength(members[to] ?? '');
    if (bytes + size > room && (to > from || room < EVENT_SEGMENT_BYTES)) break;
    bytes += size;
  }
  return { members: members.slice(from, to), bytes };
}
