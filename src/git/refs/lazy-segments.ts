import type { Cooperative } from '../../lib/cooperative.ts';
import type { ObjectFormat } from '../object-id.ts';
import {
  applyChanges,
  type KeyedChange,
  maxSegmentBytes,
  packedRefLines,
  type RefEntry,
  RefSegment,
  type SegmentSummary,
} from './ref-segment.ts';

/** New segments are filled up to `filledBytes`, so that they can grow. Those below `leastBytes` join the one before them. */
const filledBytes = (maxSegmentBytes * 3) / 4;
const leastBytes = maxSegmentBytes / 8;

/** Changes applied at a time: they take a few milliseconds. */
const CHANGES_PER_RUN = 500;

/** A segment of tables: its summary, and its content once it is loaded. */
export class LazySegment {
  readonly summary: SegmentSummary;
  /** The first and the last name, as bytes. */
  readonly firstKey: Buffer;
  readonly lastKey: Buffer;
  private loaded: RefSegment | undefined;

  constructor(summary: SegmentSummary, loaded?: RefSegment) {
    this.summary = summary;
    this.firstKey = Buffer.from(summary.first);
    this.lastKey = Buffer.from(summary.last);
    this.loaded = loaded;
  }

  static of(segment: RefSegment): LazySegment {
    return new LazySegment(segment.summary, segment);
  }

  get isHere(): boolean {
    return this.loaded !== undefined;
  }

  /** @throws Error if it is not loaded: the caller has to await `RefTable.ready` first */
  get content(): RefSegment {
    if (this.loaded === undefined) {
      throw new Error(`refs from ${this.summary.first} on were used before they were loaded`);
    }
    return this.loaded;
  }

  fill(segment: RefSegment): void {
    this.loaded = segment;
  }

  /** Whether it may contain names that begin with `prefix`. */
  reaches(prefix: Buffer): boolean {
    return !this.beginsBehind(prefix) && this.lastKey.compare(prefix) >= 0;
  }

  /** Whether its names come after all those that begin with `prefix`. */
  beginsBehind(prefix: Buffer): boolean {
    return this.firstKey.subarray(0, prefix.length).compare(prefix) > 0;
  }
}

/** The position of the segment for a ref named `key`: the last one whose first name is not greater, or else the first. */
export function segmentFor(segments: readonly LazySegment[], key: Buffer): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const lazy = segments[middle];
    if (lazy !== undefined && lazy.firstKey.compare(key) <= 0) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/**
 * Writes changes into segments until at most `keep` changes are left. Segments with the most changes are written first.
 * @param changes in byte order
 * @param keep how many changes may be left
 * @returns the segments (those not written are shared), and the changes that are left
 */
export function* foldChanges(
  segments: readonly LazySegment[],
  changes: readonly KeyedChange[],
  keep: number,
  format: ObjectFormat,
): Cooperative<{ readonly segments: readonly LazySegment[]; readonly overlay: readonly KeyedChange[] }> {
  const groups = yield* groupedBySegment(segments, changes);
  let left = changes.length;
  const rewritten = new Set<number>();
  for (const [at, group] of [...groups].sort(([, a], [, b]) => b.length - a.length)) {
    if (left <= keep) break;
    rewritten.add(at);
    left -= group.length;
  }
  const runs: (LazySegment | Buffer)[] = [];
  // Without segments, all changes belong to position 0.
  for (let at = 0; at < Math.max(1, segments.length); at++) {
    const lazy = segments[at];
    if (rewritten.has(at)) runs.push(...(yield* changedRuns(lazy?.content, groups.get(at) ?? [])));
    else if (lazy !== undefined) runs.push(lazy);
  }
  const overlay = [...groups].flatMap(([at, group]) => (rewritten.has(at) ? [] : group));
  return { segments: yield* cutSegments(runs, format), overlay };
}

/** Changes by the position of their segment, in byte order. */
function* groupedBySegment(
  segments: readonly LazySegment[],
  changes: readonly KeyedChange[],
): Cooperative<Map<number, KeyedChange[]>> {
  const groups = new Map<number, KeyedChange[]>();
  for (const change of changes) {
    const at = segmentFor(segments, change.key);
    const group = groups.get(at);
    if (group === undefined) groups.set(at, [change]);
    else group.push(change);
    yield;
  }
  return groups;
}

/** The lines of a segment after changes, in runs. At most {@link CHANGES_PER_RUN} changes are applied at a time. */
function* changedRuns(
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
    const lines = applyChanges(segment, segment, part, encode, from, to);
    const before = runs.at(-1);
    if (before === undefined || before.length + lines.length > filledBytes) runs.push(lines);
    else runs.splice(-1, 1, Buffer.concat([before, lines]));
    from = to ?? 0;
    yield;
  }
  return runs;
}

/**
 * Makes segments of runs of lines. None is too large, and small runs are joined.
 * @param runs in byte order; a run that is a segment already is kept if possible
 */
function* cutSegments(
  runs: readonly (LazySegment | Buffer)[],
  format: ObjectFormat,
): Cooperative<LazySegment[]> {
  const cut: LazySegment[] = [];
  let small: Buffer | undefined;
  for (const run of runs) {
    yield;
    if (run instanceof LazySegment && small === undefined) {
      cut.push(run);
      continue;
    }
    let bytes = run instanceof LazySegment ? run.content.bytes : run;
    if (small !== undefined) bytes = Buffer.concat([small, bytes]);
    small = undefined;
    if (bytes.length === 0) continue;
    const before = cut.at(-1);
    if (bytes.length < leastBytes && before !== undefined) {
      cut.pop();
      bytes = Buffer.concat([before.content.bytes, bytes]);
    } else if (bytes.length < leastBytes) {
      small = bytes;
      continue;
    }
    cut.push(...inPieces(bytes, format));
  }
  if (small !== undefined) cut.push(...inPieces(small, format));
  return cut;
}

function inPieces(bytes: Buffer, format: ObjectFormat): LazySegment[] {
  const whole = RefSegment.of(bytes, format);
  if (bytes.length <= maxSegmentBytes) return [LazySegment.of(whole)];
  const pieces = Math.ceil(bytes.length / filledBytes);
  const cuts = [0];
  for (let at = 0; cuts.length < pieces; at++) {
    const start = whole.starts[at] ?? bytes.length;
    if (start >= (bytes.length * cuts.length) / pieces) cuts.push(start);
  }
  cuts.push(bytes.length);
  return cuts.slice(1).map((end, at) => {
    // A copy: a view would keep all bytes in memory as long as one piece.
    return LazySegment.of(RefSegment.of(Buffer.from(bytes.subarray(cuts[at], end)), format));
  });
}
