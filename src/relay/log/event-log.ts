/**
 * The event log: the events that each server has taken in, as objects that are written once. Every process is a writer with
 * its own id and numbers its entries from 0 without gaps, so that a reader keeps one position for each writer.
 *
 *     {"version":1,"at":<seconds>,"events":[<event>…],"hidden":[<event>…]}
 *
 * All servers know hidden events, and no client sees them, until they are written again as visible ones.
 */
import { CairnError } from '../../lib/errors.ts';
import { readAll } from '../../lib/streams.ts';
import { type EventLimits, encodeEvent, type NostrEvent, parseEvent } from '../../nostr/event.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { logEntryKey } from '../../repository/keys.ts';

export interface LogEntry {
  /** Seconds: when it was written. */
  readonly at: number;
  readonly events: readonly NostrEvent[];
  readonly hidden: readonly NostrEvent[];
}

/** The content of an event segment. */
export interface EventSegmentContent {
  readonly events: readonly NostrEvent[];
  readonly hidden: readonly HiddenEvent[];
}

/** A hidden event, and since when it is hidden, in seconds. */
export interface HiddenEvent {
  readonly at: number;
  readonly event: NostrEvent;
}

/** Far more than a writer puts into one entry; one event has at most 512 KiB. */
export const MAX_ENTRY_BYTES = 64 * 1024 * 1024;

/** Events in the log were bounded when they were taken in, or are receipts of this service over many refs. */
const unlimited: EventLimits = {
  maxTags: Number.POSITIVE_INFINITY,
  maxTagElements: Number.POSITIVE_INFINITY,
  maxContentBytes: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY,
};

/** @throws CairnError `too-large` when it has more than {@link MAX_ENTRY_BYTES} */
export function encodeEntry(entry: LogEntry): Buffer {
  const { at, events, hidden } = entry;
  const body = Buffer.from(
    `{"version":1,"at":${at},"events":${encodeEvents(events)},"hidden":${encodeEvents(hidden)}}`,
  );
  if (body.length > MAX_ENTRY_BYTES)
    throw new CairnError('too-large', 'too many events to be stored at once');
  return body;
}

/**
 * @param name the key of the bytes, for the error
 * @throws CairnError `corrupt` when they are not an entry
 */
export function decodeEntry(name: string, bytes: Buffer): LogEntry {
  const { at, events, hidden } = parseObject(name, bytes);
  return { at: parseSeconds(name, at), events: parseEvents(name, events), hidden: parseEvents(name, hidden) };
}

/**
 * Reads an entry.
 * @returns the entry and its size in the store; undefined when it does not exist: it is not written yet, or was compacted long ago
 * @throws CairnError `unavailable` when the store does not answer; `corrupt` when it is not an entry
 */
export async function readEntry(
  store: ObjectStore,
  writer: string,
  sequence: number,
): Promise<{ readonly entry: LogEntry; readonly bytes: number } | undefined> {
  const key = logEntryKey(writer, sequence);
  const found = await store.get(key);
  if (!found.found) return undefined;
  const body = await readAll(found.body, MAX_ENTRY_BYTES);
  return { entry: decodeEntry(key, body), bytes: body.length };
}

export function encodeEvents(events: readonly NostrEvent[]): string {
  return `[${events.map(encodeEvent).join(',')}]`;
}

/** Parses a JSON object of this log, of version 1. @throws CairnError `corrupt` */
export function parseObject(name: string, bytes: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw damaged(name, 'it is not JSON', error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(name, 'no object');
  const record = value as Readonly<Record<string, unknown>>;
  if (record['version'] !== 1) throw damaged(name, 'its version is not 1');
  return record;
}

/** @throws CairnError `corrupt` */
export function parseEvents(name: string, value: unknown): NostrEvent[] {
  if (!Array.isArray(value)) throw damaged(name, 'its events are not a list');
  return value.map((member: unknown) => parseStoredEvent(name, member));
}

/** @throws CairnError `corrupt` */
export function parseStoredEvent(name: string, value: unknown): NostrEvent {
  const event = parseEvent(value, unlimited);
  if (!event.ok) throw damaged(name, event.reason);
  return event.value;
}

/** @throws CairnError `corrupt` */
export function parseSeconds(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw damaged(name, 'its date is no date');
  return value;
}

export function damaged(name: string, problem: string, cause?: unknown): CairnError {
  return new CairnError('corrupt', `the event log is damaged: ${name}: ${problem}`, { cause });
}
