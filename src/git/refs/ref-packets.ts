/**
 * Very many refs as packets. What a segment looks like on the wire is kept for a while, so that after a push only what it
 * changed is encoded again; and a list comes in pieces, so that nobody has to wait for all of it.
 */
import { LruMap } from '../../lib/lru.ts';
import { encodePacket, packetHeader } from '../pkt-line.ts';
import { partEntries, type TablePart } from './ref-parts.ts';
import { prefixMatcher, shortestPrefixes } from './ref-prefixes.ts';
import { type EncodedRefs, type RefEntry, type RefSegment, splice } from './ref-segment.ts';
import type { RefTable } from './ref-table.ts';

/** How a ref is listed: without what it peels to, with that in a line of its own (v0), or with that as an attribute (v2). */
export type RefForm = 'plain' | 'peeled line' | 'peeled attribute';

/** Beyond this many prefixes each ref is compared with them, since few segments are left out anyway. */
const prefixesLookedUp = 256;
/** A piece of a segment that is so much smaller than all of it is encoded by itself. */
const smallPart = 8;

/** Lists refs of tables as packets, and remembers what segments look like. */
export class RefPackets {
  private readonly encoded: LruMap<string, EncodedRefs>;

  /** @param budget bytes of encoded segments kept */
  constructor(budget: number) {
    this.encoded = new LruMap(budget);
  }

  /**
   * The refs that begin with one of some prefixes, or all without any, in byte order, as pieces of at most a few hundred
   * kilobytes; a piece may be empty.
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
    // Where nothing is peeled all forms are one.
    const name = `${segment.peels === 0 ? 'plain' : form} ${segment.summary.digest}`;
    let encoded = this.encoded.get(name);
    if (encoded === undefined) {
      if ((to - from) * smallPart < segment.count) return encodeEntries(part, form);
      encoded = encodeSegment(segment, form);
      this.encoded.set(name, encoded, encoded.bytes.length + encoded.starts.byteLength);
    }
    return splice(segment, encoded, changes, (entry) => encodeRef(entry, form), from, to);
  }
}

/** One ref as it is listed. */
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

/** Into one buffer, line by line: a buffer for each would take several times as long. */
function encodeSegment(segment: RefSegment, form: RefForm): EncodedRefs {
  const header = 4;
  // Two lines of at most the length of the longest, for a ref that is peeled; one for any other.
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
