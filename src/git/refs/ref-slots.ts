import type { Cooperative } from '../../lib/cooperative.ts';
import type { ObjectFormat } from '../object-id.ts';
import {
  type KeyedChange,
  maxSegmentBytes,
  packedRefLines,
  type RefEntry,
  RefSegment,
  type SegmentSummary,
  splice,
} from './ref-segment.ts';

/** What a new segment is filled up to, so that it can grow, and below what it is joined with the one before. */
const filledBytes = (maxSegmentBytes * 3) / 4;
const leastBytes = maxSegmentBytes / 8;

/** Changes written at a time: they take a few milliseconds. */
const CHANGES_PER_RUN = 500;

/** The place of a segment in tables: what is known of it, and its content once that is here. */
export class SegmentSlot {
  readonly summary: SegmentSummary;
  /** The first and the last name, in bytes. */
  readonly firstKey: Buffer;
  readonly lastKey: Buffer;
  private content: RefSegment | undefined;

  constructor(summary: SegmentSummary, content?: RefSegment) {
    this.summary = summary;
    this.firstKey = Buffer.from(summary.first);
    this.lastKey = Buffer.from(summary.last);
    this.content = content;
  }

  static of(segment: RefSegment): SegmentSlot {
    return new SegmentSlot(segment.summary, segment);
  }

  get isHere(): boolean {
    return this.content !== undefined;
  }

  /** @throws Error when it has not been waited for, which is a fault of whoever asks: see `RefTable.ready` */
  get segment(): RefSegment {
    if (this.content === undefined) {
      throw new Error(`refs from ${this.summary.first} on were used before they were loaded`);
    }
    return this.content;
  }

  fill(segment: RefSegment): void {
    this.content = segment;
  }

  /** Whether names that begin with `prefix` may be in it. */
  reaches(prefix: Buffer): boolean {
    return !this.beginsBehind(prefix) && this.lastKey.compare(prefix) >= 0;
  }

  /** Whether its names come after all those that begin with `prefix`. */
  beginsBehind(prefix: Buffer): boolean {
    return this.firstKey.subarray(0, prefix.length).compare(prefix) > 0;
  }
}

/** The last slot that begins with `key` or before it, or else the first: where a ref of that name belongs. */
export function slotFor(slots: readonly SegmentSlot[], key: Buffer): number {
  let low = 0;
  let high = slots.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const slot = slots[middle];
    if (slot !== undefined && slot.firstKey.compare(key) <= 0) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/**
 * Writes changes into segments, those first into which most of them fall, until few enough are left.
 * @param changes in byte order
 * @param keep how many changes may be left
 * @returns the segments, those without a change as they were, and what is left of the changes
 */
export function* foldChanges(
  slots: readonly SegmentSlot[],
  changes: readonly KeyedChange[],
  keep: number,
  format: ObjectFormat,
): Cooperative<{ readonly slots: readonly SegmentSlot[]; readonly overlay: readonly KeyedChange[] }> {
  const groups = yield* groupedBySlot(slots, changes);
  let left = changes.length;
  const folded = new Set<number>();
  for (const [at, group] of [...groups].sort(([, a], [, b]) => b.length - a.length)) {
    if (left <= keep) break;
    folded.add(at);
    left -= group.length;
  }
  const runs: (SegmentSlot | Buffer)[] = [];
  // Without any there is still one place for changes to go.
  for (let at = 0; at < Math.max(1, slots.length); at++) {
    const slot = slots[at];
    if (folded.has(at)) runs.push(...(yield* splicedRuns(slot?.segment, groups.get(at) ?? [])));
    else if (slot !== undefined) runs.push(slot);
  }
  const overlay = [...groups].flatMap(([at, group]) => (folded.has(at) ? [] : group));
  return { slots: yield* cutSegments(runs, format), overlay };
}

/** Changes by the slot they belong to, in the order they come in: that of bytes. */
function* groupedBySlot(
  slots: readonly SegmentSlot[],
  changes: readonly KeyedChange[],
): Cooperative<Map<number, KeyedChange[]>> {
  const groups = new Map<number, KeyedChange[]>();
  for (const change of changes) {
    const at = slotFor(slots, change.key);
    const group = groups.get(at);
    if (group === undefined) groups.set(at, [change]);
    else group.push(change);
    yield;
  }
  return groups;
}

/** The lines of a segment with changes, a limited number of them to each run. */
function* splicedRuns(
  segment: RefSegment | undefined,
  changes: readonly KeyedChange[],
): Cooperative<Buffer[]> {
  const runs: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < changes.length; at += CHANGES_PER_RUN) {
    const following = changes[at + CHANGES_PER_RUN];
    const to = following === undefined ? segment?.count : segment?.lowerBound(following.key);
    const part = changes.slice(at, at + CHANGES_PER_RUN);
    const encode = (entry: RefEntry) => Buffer.from(packedRefLines(entry));
    const lines = splice(segment, segment, part, encode, from, to);
    const before = runs.at(-1);
    if (before === undefined || before.length + lines.length > filledBytes) runs.push(lines);
    else runs.splice(-1, 1, Buffer.concat([before, lines]));
    from = to ?? 0;
    yield;
  }
  return runs;
}

/**
 * Makes segments of runs of lines, none too large, none smaller than it has to be.
 * @param runs one behind the other in byte order; what is a slot already stays as it is
 */
function* cutSegments(
  runs: readonly (SegmentSlot | Buffer)[],
  format: ObjectFormat,
): Cooperative<SegmentSlot[]> {
  const cut: SegmentSlot[] = [];
  let small: Buffer | undefined;
  for (const run of runs) {
    yield;
    if (run instanceof SegmentSlot && small === undefined) {
      cut.push(run);
      continue;
    }
    let bytes = run instanceof SegmentSlot ? run.segment.bytes : run;
    if (small !== undefined) bytes = Buffer.concat([small, bytes]);
    small = undefined;
    if (bytes.length === 0) continue;
    const before = cut.at(-1);
    if (bytes.length < leastBytes && before !== undefined) {
      cut.pop();
      bytes = Buffer.concat([before.segment.bytes, bytes]);
    } else if (bytes.length < leastBytes) {
      small = bytes;
      continue;
    }
    cut.push(...inPieces(bytes, format));
  }
  if (small !== undefined) cut.push(...inPieces(small, format));
  return cut;
}

function inPieces(bytes: Buffer, format: ObjectFormat): SegmentSlot[] {
  const whole = RefSegment.of(bytes, format);
  if (bytes.length <= maxSegmentBytes) return [SegmentSlot.of(whole)];
  const pieces = Math.ceil(bytes.length / filledBytes);
  const cuts = [0];
  for (let at = 0; cuts.length < pieces; at++) {
    const start = whole.starts[at] ?? bytes.length;
    if (start >= (bytes.length * cuts.length) / pieces) cuts.push(start);
  }
  cuts.push(bytes.length);
  return cuts.slice(1).map((end, at) => {
    // A copy: a view would keep all the bytes around as long as the one piece.
    return SegmentSlot.of(RefSegment.of(Buffer.from(bytes.subarray(cuts[at], end)), format));
  });
}
