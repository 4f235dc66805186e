/**
 * Cards of artifacts that follow each other, written straight from the packs. A clone of a large project has a hundred thousand of
 * them, so nothing is allocated for a single one: what its card says comes from the columns of the table, and its payload is copied
 * from a long stretch of the pack.
 */
import type { Bag } from './bag.ts';
import { isPublic } from './bag-state.ts';
import { NONE } from './bag-table.ts';
import type { PackSession } from './pack-reader.ts';
import type { CardMemory, FileCards, SharedFileCards } from './shared-file-cards.ts';

/** Bytes between two payloads that are read along, rather than asked for in two reads. */
const GAP = 16 * 1024;

const CARD = Buffer.from('cfile ');
const SPACE = 0x20;
const LINE_FEED = 0x0a;
const ZERO = 0x30;

/** Artifacts whose payloads are read at once. */
interface Stretch {
  /** The number of the first of them among those that are written. */
  readonly from: number;
  /** Present if they are no delta in a pack, but made for this. */
  readonly made?: Uint8Array;
  readonly pack: number;
  readonly offset: number;
  /** How many there are, and where in the pack the last of them ends. */
  count: number;
  end: number;
  /** Bytes of their payloads, and of their cards with them. */
  payloads: number;
  size: number;
}

/** As {@link writeFileCards}; clones that run at once share them. Whoever has sent them releases them. */
export function fileCards(
  bag: Bag,
  from: number,
  maxBytes: number,
  shared: SharedFileCards = bag.context.cards,
): Promise<FileCards> {
  const { repository, digest } = bag;
  return shared.of({ repository, digest, from, maxBytes }, (memory) =>
    writeFileCards(bag, from, maxBytes, memory),
  );
}

/**
 * Writes the cards of the artifacts from a position on that everybody sees. It depends on nothing but the state, which never
 * changes, so it may be kept for everybody.
 * @param maxBytes the last card is the one that reaches it, or the last of all
 * @param memory where they are written
 * @throws CairnError `corrupt` naming what is damaged; `unavailable`
 */
export async function writeFileCards(
  bag: Bag,
  from: number,
  maxBytes: number,
  memory: Pick<CardMemory, 'take'>,
): Promise<Omit<FileCards, 'release'>> {
  const { table, count } = bag.view;
  const slots: number[] = [];
  const stretches: Stretch[] = [];
  let size = 0;
  let next = from;
  for (; next < count && size < maxBytes; next++) {
    const slot = table.slotAt(next);
    if (!isPublic(bag.bitsOf(slot))) continue;
    const made = hasHiddenSource(bag, slot) ? await bag.stored(bag.at(next)) : undefined;
    const length = made?.length ?? table.lengthOf(slot);
    const card = lineLength(bag, slot, made !== undefined, length) + length;
    size += card;
    if (made === undefined) addTo(stretches, bag, slot, slots.length, card);
    else stretches.push(madeStretch(made, slots.length, card));
    slots.push(slot);
  }
  const bytes = memory.take(size);
  await using session = bag.session();
  let at = 0;
  for (const stretch of stretches) at = await writeStretch(bag, session, slots, stretch, bytes, at);
  return { bytes, files: slots.length, next };
}

/** Whether an artifact that everybody sees is a delta of one that not everybody sees. */
function hasHiddenSource(bag: Bag, slot: number): boolean {
  const source = bag.view.table.sourceOf(slot);
  return source !== NONE && !isPublic(bag.bitsOf(source));
}

function madeStretch(made: Uint8Array, from: number, card: number): Stretch {
  const { length } = made;
  return { from, made, pack: NONE, offset: 0, count: 1, end: length, payloads: length, size: card };
}

/** Adds the next artifact to the last stretch, or begins one. @param card bytes of its card and payload */
function addTo(stretches: Stretch[], bag: Bag, slot: number, from: number, card: number): void {
  const { table } = bag.view;
  const pack = table.packOf(slot);
  const offset = table.offsetOf(slot);
  const length = table.lengthOf(slot);
  const end = offset + length;
  const last = stretches.at(-1);
  if (last?.pack === pack && last.made === undefined && offset >= last.end && offset - last.end <= GAP) {
    last.count++;
    last.end = end;
    last.payloads += length;
    last.size += card;
  } else stretches.push({ from, pack, offset, count: 1, end, payloads: length, size: card });
}

/**
 * Writes the cards of a stretch. Payloads that follow each other are read to the end of where they go, and each is moved to behind
 * its card: what has been written ends before them by as much as the cards that are left.
 * @returns where in `target` the last card ends
 */
async function writeStretch(
  bag: Bag,
  session: PackSession,
  slots: readonly number[],
  stretch: Stretch,
  target: Buffer,
  begin: number,
): Promise<number> {
  const { table } = bag.view;
  const { from, made, pack, offset, count, end } = stretch;
  const length = end - offset;
  const tail = begin + stretch.size - length;
  const room = stretch.payloads === length ? target.subarray(tail, tail + length) : undefined;
  const source = made ?? (await session.read({ pack, offset, length }, room));
  let at = begin;
  for (let number = from; number < from + count; number++) {
    const slot = slots[number] ?? NONE;
    const payload = made?.length ?? table.lengthOf(slot);
    const first = made === undefined ? table.offsetOf(slot) - offset : 0;
    at = writeLine(bag, slot, made !== undefined, payload, target, at);
    target.set(source.subarray(first, first + payload), at);
    at += payload;
  }
  return at;
}

/** `cfile`, the name, the source of a delta, the bytes of the content, the bytes of the payload. */
function writeLine(
  bag: Bag,
  slot: number,
  isWhole: boolean,
  length: number,
  target: Buffer,
  begin: number,
): number {
  const { table } = bag.view;
  target.set(CARD, begin);
  let at = table.names.writeHex(slot, target, begin + CARD.length);
  target[at++] = SPACE;
  const source = isWhole ? NONE : table.sourceOf(slot);
  if (source !== NONE) {
    at = table.names.writeHex(source, target, at);
    target[at++] = SPACE;
  }
  at = writeDecimal(table.sizeOf(slot), target, at);
  target[at++] = SPACE;
  at = writeDecimal(length, target, at);
  target[at++] = LINE_FEED;
  return at;
}

/** The bytes that `writeLine` writes. */
function lineLength(bag: Bag, slot: number, isWhole: boolean, length: number): number {
  const { table } = bag.view;
  const source = isWhole ? NONE : table.sourceOf(slot);
  const names = table.names.lengthOf(slot) + (source === NONE ? 0 : table.names.lengthOf(source));
  const spaces = source === NONE ? 2 : 3;
  return CARD.length + 2 * names + spaces + digits(table.sizeOf(slot)) + digits(length) + 1;
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
    target[at] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return end;
}
