/**
 * Cards of artifacts that follow each other, written straight from the packs. A clone of a large project has a hundred thousand of
 * them, so nothing is allocated for a single one: what its card says comes from the columns of the table, and its payload is copied
 * from a long stretch of the pack.
 */
import type { Bag } from './bag.ts';
import type { BagTable } from './bag-table.ts';
import { CardPlan, type Stretch, writeStretch } from './card-plan.ts';
import type { PackSession } from './pack-reader.ts';
import type { CardMemory, FileCards, SharedFileCards } from './shared-file-cards.ts';

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
 * @param maxBytes the last card is the one that reaches it, the last of all, or the last before one that is too large for memory
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
  const plan = new CardPlan(bag.view);
  let next = plan.addStored(from, maxBytes);
  while (next < count && plan.size < maxBytes && bag.largeAt(next, false) === undefined) {
    // A delta of what not everybody sees.
    plan.addMade(table.slotAt(next), await bag.stored(bag.at(next)));
    next = plan.addStored(next + 1, maxBytes);
  }
  const bytes = memory.take(plan.size);
  await using session = bag.session();
  let at = 0;
  for (const stretch of plan.stretches) at = await writeRead(table, session, plan.slots, stretch, bytes, at);
  return { bytes, files: plan.slots.length, next };
}

/**
 * Reads the payloads of a stretch and writes its cards. Payloads that follow each other are read to the end of where they go: what
 * has been written ends before them by as much as the cards that are left.
 * @returns where in `target` the last card ends
 */
async function writeRead(
  table: BagTable,
  session: PackSession,
  slots: readonly number[],
  stretch: Stretch,
  target: Buffer,
  begin: number,
): Promise<number> {
  const { made, pack, offset, end, payloads, size } = stretch;
  if (made !== undefined) return writeStretch(table, slots, stretch, made, 0, target, begin);
  const length = end - offset;
  const tail = begin + size - length;
  const room = payloads === length ? target.subarray(tail, tail + length) : undefined;
  const source = await session.read({ pack, offset, length }, room);
  return source === room
    ? writeStretch(table, slots, stretch, undefined, tail, target, begin)
    : writeStretch(table, slots, stretch, source, 0, target, begin);
}
