import { type ObjectFormat, PackIdx } from '../../git/index.ts';
import { openFile } from '../../lib/read-at.ts';
import type { PackPart } from '../fetch/plan.ts';

/** A part of an answer, and the idx of its pack on local disk. */
export interface IndexedPart extends PackPart {
  readonly idxPath: string;
}

interface OpenPart {
  readonly idx: PackIdx;
  /** True for the place of an entry that belongs to the part. */
  readonly own: (offset: number) => boolean;
  /** True when every entry of the pack does. */
  readonly whole: boolean;
  /** True when it can be joined to all others of which this is true, too. */
  readonly known: boolean;
}

/** Ids looked up for one proof, at most: beyond that a fold is due, which makes it needless. */
const LOOKED_UP = 500_000;

/**
 * True when parts can be joined to one pack: no object is in two of them, and what deltas in a part build on is in this part,
 * or in another one that does not build on it in turn. Reads ids from the smaller packs and looks for them in the larger ones.
 *
 * @param known of so many parts, the first ones, it is known that they can be joined to one another
 */
export async function canBeJoined(
  parts: readonly IndexedPart[],
  format: ObjectFormat,
  known = 0,
): Promise<boolean> {
  return withOpen(parts, format, known, async (open) => {
    const bySize = [...open].sort((a, b) => b.idx.objects - a.idx.objects);
    return isAffordable(bySize) && (await areDisjoint(bySize)) && (await basesAreInside(bySize));
  });
}

/**
 * Tells which parts consist of listed objects.
 * @param oids in hex
 * @returns for each part whether it does; undefined when one of them consists of others, too, or its pack is completed
 *   with listed ones
 */
export async function whichAreListed(
  parts: readonly IndexedPart[],
  oids: ReadonlySet<string>,
  format: ObjectFormat,
): Promise<readonly boolean[] | undefined> {
  return withOpen(parts, format, 0, async (open) => {
    const verdicts: boolean[] = [];
    for (const part of open) {
      const own = await countListed(ownIdsOf(part), oids);
      const isListed = own.listed > 0 && own.listed === own.of;
      // What only completes a pack is to be found in another one, and there it counts.
      if (!isListed && own.listed + (await countListed(basesOf(part), oids)).listed > 0) return undefined;
      verdicts.push(isListed);
    }
    return verdicts;
  });
}

async function countListed(
  ids: AsyncIterable<Buffer>,
  oids: ReadonlySet<string>,
): Promise<{ readonly listed: number; readonly of: number }> {
  let [listed, of] = [0, 0];
  for await (const id of ids) {
    of++;
    if (oids.has(id.toString('hex'))) listed++;
  }
  return { listed, of };
}

async function withOpen<T>(
  parts: readonly IndexedPart[],
  format: ObjectFormat,
  known: number,
  work: (open: readonly OpenPart[]) => Promise<T>,
): Promise<T> {
  const files = [];
  try {
    const open: OpenPart[] = [];
    for (const [at, { idxPath, end, objects }] of parts.entries()) {
      const file = await openFile(idxPath);
      files.push(file);
      const idx = await PackIdx.open(file.read, format);
      open.push({ idx, own: (offset) => offset < end, whole: objects === idx.objects, known: at < known });
    }
    return await work(open);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

/** The parts before one that it has to be compared with. @param parts the largest first */
function largerThan(parts: readonly OpenPart[], at: number): OpenPart[] {
  return parts.slice(0, at).filter(({ known }) => !(known && parts[at]?.known));
}

function isAffordable(parts: readonly OpenPart[]): boolean {
  const lookups = parts.map(({ idx }, at) => largerThan(parts, at).length * idx.objects);
  return lookups.reduce((sum, count) => sum + count, 0) <= LOOKED_UP;
}

/** @param parts the largest first */
async function areDisjoint(parts: readonly OpenPart[]): Promise<boolean> {
  for (const [at, part] of parts.entries()) {
    const larger = largerThan(parts, at);
    if (larger.length === 0) continue;
    for await (const id of ownIdsOf(part)) {
      for (const other of larger) if (await holds(other, id)) return false;
    }
  }
  return true;
}

/** What completed a thin pack is exactly what its deltas build on elsewhere. Two packs that lean on one another prove nothing. */
async function basesAreInside(parts: readonly OpenPart[]): Promise<boolean> {
  const leansOn = new Map<OpenPart, Set<OpenPart>>();
  // Those that are known lean on one another alone, and not in a circle.
  for (const part of parts.filter(({ known }) => !known)) {
    const others = new Set<OpenPart>();
    leansOn.set(part, others);
    for await (const id of basesOf(part)) {
      const holder = await holderOf(parts, id);
      if (holder === undefined) return false;
      others.add(holder);
    }
  }
  return hasNoCircle(leansOn);
}

async function holderOf(parts: readonly OpenPart[], id: Buffer): Promise<OpenPart | undefined> {
  for (const part of parts) if (await holds(part, id)) return part;
  return undefined;
}

/** Takes away whatever leans on nothing that is left, until nothing is left. */
function hasNoCircle(leansOn: Map<OpenPart, Set<OpenPart>>): boolean {
  const left = new Map(leansOn);
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const [part, others] of left) if (![...others].some((other) => left.has(other))) left.delete(part);
  }
  return left.size === 0;
}

async function holds({ idx, own, whole }: OpenPart, id: Buffer): Promise<boolean> {
  if (whole) return idx.has(id);
  const offset = await idx.offsetOf(id);
  return offset !== undefined && own(offset);
}

function ownIdsOf(part: OpenPart): AsyncIterable<Buffer> {
  return idsOf(part, part.whole ? undefined : part.own);
}

/** What only completes the part's pack. */
async function* basesOf(part: OpenPart): AsyncGenerator<Buffer> {
  if (!part.whole) yield* idsOf(part, (offset) => !part.own(offset));
}

async function* idsOf({ idx }: OpenPart, begin?: (offset: number) => boolean): AsyncGenerator<Buffer> {
  for await (const block of idx.ids(begin)) {
    for (let at = 0; at < block.length; at += idx.idLength) yield block.subarray(at, at + idx.idLength);
  }
}
