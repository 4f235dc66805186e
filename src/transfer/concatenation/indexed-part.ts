import { type ObjectFormat, PackIdx } from '../../git/index.ts';
import { openFile } from '../../lib/opened-file.ts';
import type { PackPart } from '../fetch/plan.ts';

/** A part of a concatenation, with the idx of its pack on local disk. */
export interface IndexedPart extends PackPart {
  readonly idxPath: string;
}

interface OpenPart {
  readonly idx: PackIdx;
  /** True for the offset of an entry that belongs to the part. */
  readonly own: (offset: number) => boolean;
  /** True if every entry of the pack belongs to it. */
  readonly whole: boolean;
  /** True if this part is known to be compatible with all other known parts. */
  readonly known: boolean;
}

/** Maximum number of ids looked up for one check. Beyond it a fold is due, which makes the check needless. */
const LOOKED_UP = 500_000;

/**
 * True if parts can be concatenated to one pack: no object is in two of them, and the base of each delta is in the same part, or in
 * another part that has no delta on this one. It reads ids from the smaller packs and looks them up in the larger ones.
 *
 * @param known how many of the first parts are known to be compatible with one another
 */
export async function canBeConcatenated(
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
 * Tells which parts consist of listed objects only.
 * @param oids in hex
 * @returns for each part whether it does; undefined if a part also has other objects, or if a listed object only completes
 *   the pack of a part
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
      // An object that only completes a thin pack must count in the pack that it comes from.
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

/** The larger parts that one has to be compared with. @param parts the largest first */
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

/**
 * True if the bases that complete thin packs are in other parts, without a cycle: with two packs that have deltas on one
 * another, an object may be a delta on itself.
 */
async function basesAreInside(parts: readonly OpenPart[]): Promise<boolean> {
  const dependencies = new Map<OpenPart, Set<OpenPart>>();
  // Known parts depend only on one another, and without a cycle.
  for (const part of parts.filter(({ known }) => !known)) {
    const others = new Set<OpenPart>();
    dependencies.set(part, others);
    for await (const id of basesOf(part)) {
      const holder = await holderOf(parts, id);
      if (holder === undefined) return false;
      others.add(holder);
    }
  }
  return hasNoCycle(dependencies);
}

async function holderOf(parts: readonly OpenPart[], id: Buffer): Promise<OpenPart | undefined> {
  for (const part of parts) if (await holds(part, id)) return part;
  return undefined;
}

/** Removes parts without remaining dependencies until no more can be removed. */
function hasNoCycle(dependencies: Map<OpenPart, Set<OpenPart>>): boolean {
  const left = new Map(dependencies);
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

/** The ids of entries that only complete the part's pack. */
async function* basesOf(part: OpenPart): AsyncGenerator<Buffer> {
  if (!part.whole) yield* idsOf(part, (offset) => !part.own(offset));
}

async function* idsOf({ idx }: OpenPart, begin?: (offset: number) => boolean): AsyncGenerator<Buffer> {
  for await (const block of idx.ids(begin)) {
    for (let at = 0; at < block.length; at += idx.idLength) yield block.subarray(at, at + idx.idLength);
  }
}
