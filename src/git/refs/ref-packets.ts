/**
 * Lists very many refs as packets. Encoded segments are cached, so that after a push only changed segments are encoded again.
 * A list is generated in pieces, so that it does not block the event loop.
 */
import { LruMap } from '../../lib/lru.ts';
import { encodePacket, packetHeader } from '../protocol/pkt-line.ts';
import { prefixMatcher, shortestPrefixes } from './ref-prefixes.ts';
import { applyChanges, type EncodedRefs, type RefEntry, type RefSegment } from './ref-segment.ts';
import type { RefTable } from './ref-table.ts';
import { partEntries, type TablePart } from './table-part.ts';

/** How a ref is listed: without its peeled object id, with it in a separate line (v0), or with it as an attribute (v2). */
export type RefForm = 'plain' | 'peeled line' | 'peeled attribute';

/** Above this many prefixes each ref is compared with them: looking up their segments would skip few. */
const prefixesLookedUp = 256;
/** A part with less than one eighth of a segment is encoded alone, and is not cached. */
const smallPart = 8;

/** Lists refs of tables as packets, and caches encoded segments. */
export class RefPackets {
  private readonly encoded: LruMap<string, EncodedRefs>;

  /** @param budget bytes of encoded segments that are cached */
  constructor(budget: number) {
    this.encoded = new LruMap(budget);
  }

  /**
   * Lists the refs that begin with one of `prefixes` (all if there are none) in byte order, in pieces of at most a few
   * hundred kilobytes. A piece may be empty.
   */
  *list(table: RefTable, form: RefForm, prefixes: readonly string[] = []): Generator<Buffer, undefined> {
    if (prefixes.length > prefixesLookedUp) {
      const wanted = prefixMatcher(prefixes);
      for (const part of table.parts()) yield encodeEntries(part, form, wanted);
      return undefined;
    }
    for (const prefix of prefixes.length === 0 ? [''] : shortestPrefixes(prefixes)) {
      for (const part of table.parts(prefix)) yield this.encodePart(part, form);
    }
    return undefined;
  }

  private encodePart(part: TablePart, form: RefForm): Buffer {
    const { segment, from, to, changes } = part;
    if (segment === undefined) return encodeEntries(part, form);
    // Without peeled tags all forms are the same.
    const name = `${segment.peels === 0 ? 'plain' : form} ${segment.summary.digest}`;
    let encoded = this.encoded.get(name);
    if (encoded === undefined) {
      if ((to - from) * smallPart < segment.count) return encodeEntries(part, form);
      encoded = encodeSegment(segment, form);
      this.encoded.set(name, encoded, encoded.bytes.length + encoded.starts.byteLength);
    }
    return applyChanges(segment, encoded, changes, (entry) => encodeRef(entry, form), from, to);
  }
}

/** Encodes one ref. */
export function encodeRef(entry: RefEntry, form: RefForm): Buffer {
  const packets = linesOf(entry, form).map(encodePacket);
  return packets.length === 1 && packets[0] !== undefined ? packets[0] : Buffer.concat(packets);
}

function linesOf({ name, oid, peeled }: RefEntry, form: RefForm): string[] {
  if (peeled === undefined || form === 'plain') return [`${oid} ${name}\n`];
  if (form === 'peeled attribute') return [`${oid} ${name} peeled:${peeled}\n`];
  return [`${oid} ${name}\n`, `${peeled} ${name}^{}\n`];
}

function encodeEntries(
  part: TablePart,
  form: RefForm,
  wanted: (name: string) => boolean = () => true,
): Buffer {
  const packets: Buffer[] = [];
  for (const entry of partEntries(part)) if (wanted(entry.name)) packets.push(encodeRef(entry, form));
  return Buffer.concat(packets);
}

/** Encodes a segment into one buffer: a buffer for each line would take several times as long. */
function encodeSegment(segment: RefSegment, form: RefForm): EncodedRefs {
  const header = 4;
  // Enough for two lines for each peeled ref, and one line for any other.
  const room = 2 * segment.bytes.length + segment.count * (2 * header + 16);
  const bytes = Buffer.allocUnsafe(room);
  const starts = new Uint32Array(segment.count + 1);
  let used = 0;
  let at = 0;
  for (const entry of segment.entries()) {
    starts[at++] = used;
    for (const line of linesOf(entry, form)) {
      const length = bytes.write(line, used + header);
      bytes.write(packetHeader(length), used, 'latin1');
      used += header + length;
    }
  }
  starts[at] = used;
  return { bytes: Buffer.from(bytes.subarray(0, used)), starts };
}
