/**
 * Which `cfile` cards a piece of a clone has, how long each is, and where in the packs their payloads are. Everything is read from
 * the columns of the table, in one loop that calls next to nothing: a server that has just started runs it before V8 has compiled
 * it, and compiles it faster the less it calls.
 */
import { type BagState, isPublic } from './bag-state.ts';
import { type BagTable, NONE } from './bag-table.ts';
import { LARGE_CONTENT } from './content-maker.ts';

/** Bytes between two payloads that are read along, rather than asked for in two reads. */
const GAP = 16 * 1024;

const CARD = Buffer.from('cfile ');
const SPACE = 0x20;
const LINE_FEED = 0x0a;
const ZERO = 0x30;
const HEX = Buffer.from('0123456789abcdef');

/** Bytes of a name of each kind, by whether it is long. */
const NAME_BYTES = [20, 32] as const;

/** Bytes that a table has for a name. */
const NAME_STRIDE = 32;

/** Artifacts whose payloads are read at once. */
export interface Stretch {
  /** The number of the first of them among those of the plan. */
  readonly from: number;
  /** How many there are. */
  readonly count: number;
  /** Present if it is one artifact that is no delta in a pack, but made for this. */
  readonly made?: Uint8Array;
  readonly pack: number;
  /** Where in the pack the first payload begins, and the last one ends. */
  readonly offset: number;
  readonly end: number;
  /** Bytes of the payloads, and of the cards with them. */
  readonly payloads: number;
  readonly size: number;
}

/** The cards of artifacts that follow each other in a state. */
export class CardPlan {
  /** The slot of each artifact. */
  readonly slots: number[] = [];
  readonly stretches: Stretch[] = [];
  /** Bytes of all cards with their payloads. */
  size = 0;
  private readonly view: BagState;

  constructor(view: BagState) {
    this.view = view;
  }

  /**
   * Adds artifacts that everybody sees, as they are stored, from a position on.
   * @param maxBytes the last card is the one that reaches it
   * @returns the position of the first that was not added, because the plan is full, it is too large for memory, or it is a delta of
   *   what not everybody sees; the state's `count` if none is left
   */
  addStored(position: number, maxBytes: number): number {
    const { table, status, count } = this.view;
    const { order, sizes, lengths, sources, packs, offsets } = table.columns;
    const { long } = table.names.columns;
    const { slots } = this;
    let from = slots.length;
    let pack = NONE;
    let begin = 0;
    let end = 0;
    let payloads = 0;
    let size = 0;
    let room = maxBytes - this.size;
    let next = position;
    for (; next < count && room > 0; next++) {
      const slot = order[next] ?? NONE;
      if (!isPublic(status[slot] ?? 0)) continue;
      const source = sources[slot] ?? NONE;
      const isDelta = source !== NONE;
      if (isDelta && !isPublic(status[source] ?? 0)) break;
      const length = lengths[slot] ?? 0;
      if (length > LARGE_CONTENT) break;
      const offset = offsets[slot] ?? 0;
      const inPack = packs[slot] ?? NONE;
      if (inPack !== pack || offset < end || offset - end > GAP) {
        this.addStretch({ from, count: slots.length - from, pack, offset: begin, end, payloads, size });
        from = slots.length;
        pack = inPack;
        begin = offset;
        payloads = 0;
        size = 0;
      }
      const names =
        NAME_BYTES[long[slot] === 1 ? 1 : 0] + (isDelta ? NAME_BYTES[long[source] === 1 ? 1 : 0] : 0);
      const card =
        CARD.length + 2 * names + (isDelta ? 4 : 3) + digits(sizes[slot] ?? 0) + digits(length) + length;
      end = offset + length;
      payloads += length;
      size += card;
      room -= card;
      slots.push(slot);
    }
    this.addStretch({ from, count: slots.length - from, pack, offset: begin, end, payloads, size });
    return next;
  }

  /** Adds an artifact with a payload that was made for this. */
  addMade(slot: number, made: Uint8Array): void {
    const { table } = this.view;
    const { length } = made;
    const size =
      CARD.length + 2 * table.names.lengthOf(slot) + 3 + digits(table.sizeOf(slot)) + digits(length) + length;
    const from = this.slots.length;
    this.slots.push(slot);
    this.addStretch({ from, count: 1, made, pack: NONE, offset: 0, end: length, payloads: length, size });
  }

  private addStretch(stretch: Stretch): void {
    if (stretch.count === 0) return;
    this.stretches.push(stretch);
    this.size += stretch.size;
  }
}

/**
 * Writes the cards of a stretch with their payloads.
 * @param source the payloads; undefined if they are in `target`, where they are moved to behind their cards
 * @param sourceAt where in the source, or in the target, the first payload is
 * @returns where in `target` the last card ends
 */
export function writeStretch(
  table: BagTable,
  slots: readonly number[],
  stretch: Stretch,
  source: Uint8Array | undefined,
  sourceAt: number,
  target: Uint8Array,
  begin: number,
): number {
  const { sizes, lengths, sources, offsets } = table.columns;
  const { bytes: names, long } = table.names.columns;
  const { from, count, made } = stretch;
  const isStored = made === undefined;
  const shift = sourceAt - stretch.offset;
  let at = begin;
  for (let number = from; number < from + count; number++) {
    const slot = slots[number] ?? NONE;
    for (let byte = 0; byte < CARD.length; byte++) target[at++] = CARD[byte] ?? 0;
    at = writeHex(names, slot, long[slot] === 1 ? 1 : 0, target, at);
    target[at++] = SPACE;
    const parent = isStored ? (sources[slot] ?? NONE) : NONE;
    if (parent !== NONE) {
      at = writeHex(names, parent, long[parent] === 1 ? 1 : 0, target, at);
      target[at++] = SPACE;
    }
    const length = isStored ? (lengths[slot] ?? 0) : made.length;
    at = writeDecimal(sizes[slot] ?? 0, target, at);
    target[at++] = SPACE;
    at = writeDecimal(length, target, at);
    target[at++] = LINE_FEED;
    const first = isStored ? (offsets[slot] ?? 0) + shift : 0;
    if (source === undefined) target.copyWithin(at, first, first + length);
    else target.set(source.subarray(first, first + length), at);
    at += length;
  }
  return at;
}

function writeHex(names: Uint8Array, slot: number, isLong: 0 | 1, target: Uint8Array, begin: number): number {
  const from = slot * NAME_STRIDE;
  const end = from + NAME_BYTES[isLong];
  let at = begin;
  for (let byte = from; byte < end; byte++) {
    const value = names[byte] ?? 0;
    target[at++] = HEX[value >> 4] ?? 0;
    target[at++] = HEX[value & 15] ?? 0;
  }
  return at;
}

function digits(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count++;
  return count;
}

function writeDecimal(value: number, target: Uint8Array, begin: number): number {
  const end = begin + digits(value);
  let rest = value;
  for (let at = end - 1; at >= begin; at--) {
    const digit = rest % 10;
    target[at] = ZERO + digit;
    rest = (rest - digit) / 10;
  }
  return end;
}
