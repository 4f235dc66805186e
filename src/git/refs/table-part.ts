import type { KeyedChange, RefEntry, RefSegment } from './ref-segment.ts';

/** A part of a table: consecutive refs of one segment, and the changes between their names. */
export interface TablePart {
  /** undefined if the part consists of changes only. */
  readonly segment: RefSegment | undefined;
  /** Positions in the segment: from the first up to, but not including, the second. */
  readonly from: number;
  readonly to: number;
  /** In byte order. They take precedence over the segment. */
  readonly changes: readonly KeyedChange[];
}

/** The refs of a part. */
export function* partEntries({ segment, from, to, changes }: TablePart): Generator<RefEntry, undefined> {
  let at = from;
  for (const { name, key, oid, peeled } of changes) {
    const position = segment?.lowerBound(key) ?? 0;
    if (segment !== undefined && position > at) yield* segment.entries(at, position);
    at = segment?.isAt(position, key) === true ? position + 1 : position;
    if (oid !== undefined) yield { name, oid, peeled };
  }
  if (segment !== undefined && to > at) yield* segment.entries(at, to);
  return undefined;
}
