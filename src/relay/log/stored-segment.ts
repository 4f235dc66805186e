import { type EventHead, encodeEvent, type NostrEvent, type Tag } from '../../nostr/event.ts';
import {
  damaged,
  type HiddenEvent,
  parseEvents,
  parseObject,
  parseSeconds,
  parseStoredEvent,
} from './event-log.ts';

/** The bytes from `from` (inclusive) to `to` (exclusive). */
export interface Slice {
  readonly from: number;
  readonly to: number;
}

/** How the JSON of an event begins. Inside a string this cannot occur: there quotation marks are escaped. */
const EVENT = Buffer.from('{"id":"');
const EVENTS = '"events":[';
const HIDDEN = '],"hidden":[';
const [COMMA, BRACE] = [0x2c, 0x7d];

/** The tags of an event always begin within this many bytes. */
const HEAD = 220;
/** Offsets of the fields of an event, whose ids and keys have 64 digits each, and the texts before them. */
const ID = 7;
const [PUBKEY, BEFORE_PUBKEY] = [83, '","pubkey":"'];
const [DATE, BEFORE_DATE] = [162, '","created_at":'];
const BEFORE_KIND = ',"kind":';
const BEFORE_TAGS = ',"tags":[';
const DIGEST = 64;
const CONTENT = Buffer.from('],"content":"');

/** An event segment as it was read. Events are parsed one by one: as objects, all of them would take much memory. */
export class StoredEventSegment {
  readonly bytes: Buffer;
  /** Where the JSON of each visible event is. */
  readonly slices: readonly Slice[];
  readonly hidden: readonly HiddenEvent[];
  private readonly key: string;

  private constructor(key: string, bytes: Buffer, slices: readonly Slice[], hidden: readonly HiddenEvent[]) {
    this.key = key;
    this.bytes = bytes;
    this.slices = slices;
    this.hidden = hidden;
  }

  /** @param key of the bytes, for errors @throws CairnError `corrupt` when they are not a segment */
  static parse(key: string, bytes: Buffer): StoredEventSegment {
    return StoredEventSegment.cut(key, bytes) ?? StoredEventSegment.rewritten(key, bytes);
  }

  /** @throws CairnError `corrupt` */
  event({ from, to }: Slice): NostrEvent {
    let value: unknown;
    try {
      value = JSON.parse(this.bytes.toString('utf8', from, to));
    } catch (error) {
      throw damaged(this.key, 'one of its events is not JSON', error);
    }
    return parseStoredEvent(this.key, value);
  }

  /**
   * The fields that the index needs, without parsing the content: the digest of the segment has been verified, so a server
   * wrote these bytes.
   * @throws CairnError `corrupt`
   */
  head(slice: Slice): EventHead {
    const { bytes } = this;
    const text = bytes.toString('latin1', slice.from, Math.min(slice.from + HEAD, slice.to));
    const afterDate = endOfDigits(text, DATE);
    const afterKind = endOfDigits(text, afterDate + BEFORE_KIND.length);
    const isPlain =
      text.startsWith(BEFORE_PUBKEY, ID + DIGEST) &&
      text.startsWith(BEFORE_DATE, PUBKEY + DIGEST) &&
      text.startsWith(BEFORE_KIND, afterDate) &&
      text.startsWith(BEFORE_TAGS, afterKind);
    const from = slice.from + afterKind + BEFORE_TAGS.length - 1;
    const to = isPlain ? bytes.indexOf(CONTENT, from) + 1 : 0;
    const tags = to > 0 && to <= slice.to ? tagsIn(bytes.toString('utf8', from, to)) : undefined;
    if (tags === undefined) return this.event(slice);
    return {
      id: text.slice(ID, ID + DIGEST),
      pubkey: text.slice(PUBKEY, PUBKEY + DIGEST),
      created_at: Number(text.slice(DATE, afterDate)),
      kind: Number(text.slice(afterDate + BEFORE_KIND.length, afterKind)),
      tags,
    };
  }

  /** The id of an event; not verified. */
  idOf({ from }: Slice): string {
    return this.bytes.toString('latin1', from + EVENT.length, from + EVENT.length + 64);
  }

  /** All visible events. @throws CairnError `corrupt` */
  events(): NostrEvent[] {
    return this.slices.map((slice) => this.event(slice));
  }

  /** Undefined when the bytes are not exactly as segments are written. */
  private static cut(key: string, bytes: Buffer): StoredEventSegment | undefined {
    const begin = bytes.indexOf(EVENTS) + EVENTS.length;
    const end = bytes.lastIndexOf(HIDDEN);
    if (begin < EVENTS.length || end < begin) return undefined;
    const slices: Slice[] = [];
    for (let from = begin; from < end; ) {
      const next = bytes.indexOf(EVENT, from + EVENT.length);
      const to = next < 0 || next > end ? end : next - 1;
      // All but the first begin where the search for the previous end found them.
      const begins = from > begin || bytes.indexOf(EVENT, from) === from;
      const isOne = begins && bytes[to - 1] === BRACE;
      if (!isOne || (to < end && bytes[to] !== COMMA)) return undefined;
      slices.push({ from, to });
      from = to + 1;
    }
    const rest = Buffer.concat([bytes.subarray(0, begin), bytes.subarray(end)]);
    return new StoredEventSegment(key, bytes, slices, parseHidden(key, parseObject(key, rest)['hidden']));
  }

  private static rewritten(key: string, bytes: Buffer): StoredEventSegment {
    const object = parseObject(key, bytes);
    const events = parseEvents(key, object['events']);
    const hidden = parseHidden(key, object['hidden']);
    const slices: Slice[] = [];
    let from = 0;
    const texts = events.map((event) => Buffer.from(encodeEvent(event)));
    for (const { length } of texts) {
      slices.push({ from, to: from + length });
      from += length;
    }
    return new StoredEventSegment(key, Buffer.concat(texts), slices, hidden);
  }
}

function tagsIn(text: string): Tag[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The caller then parses the whole event and reports its error.
    return undefined;
  }
  return isListOfTags(value) ? value : undefined;
}

function isListOfTags(value: unknown): value is Tag[] {
  if (!Array.isArray(value)) return false;
  for (const tag of value as unknown[]) {
    if (!Array.isArray(tag)) return false;
    for (const member of tag as unknown[]) if (typeof member !== 'string') return false;
  }
  return true;
}

/** Where the digits that begin at a position end. */
function endOfDigits(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code >= 0x30 && code <= 0x39; code = text.charCodeAt(at)) at++;
  return at;
}

function parseHidden(key: string, value: unknown): HiddenEvent[] {
  if (!Array.isArray(value)) throw damaged(key, 'its hidden events are not a list');
  return value.map((member: { readonly at?: unknown; readonly event?: unknown } | null) => ({
    at: parseSeconds(key, member?.at),
    event: parseStoredEvent(key, member?.event),
  }));
}
