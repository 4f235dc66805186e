import { DIGEST_BYTES } from '../../lib/columns.ts';
import type { EventRows } from './event-rows.ts';
import type { Cursor } from './row-lists.ts';
import type { RowTerms } from './row-terms.ts';

/** Terms of one sort whose lists together contain every row that a filter asks for. */
export interface Choice {
  readonly terms: RowTerms;
  readonly numbers: readonly number[];
}

/**
 * The rows of several terms, newest first; a row that several terms have comes once. The caller may pause after {@link beforePause}:
 * rows may come and go then, and the scan continues after the last row.
 */
export class RowScan {
  private readonly rows: EventRows;
  private readonly choice: Choice;
  /** Seconds; newer rows are skipped. */
  private readonly until: number | undefined;
  private readonly pausedId = Buffer.alloc(DIGEST_BYTES);
  /** With `pausedId`, the position after which to continue. */
  private pausedAt: number | undefined;
  private heap: Cursor[] = [];
  private changes = -1;
  private last = -1;

  constructor(rows: EventRows, choice: Choice, until: number | undefined) {
    this.rows = rows;
    this.choice = choice;
    this.until = until;
  }

  /** The next older row, or −1 when there is none. */
  next(): number {
    if (this.changes !== this.rows.changes) this.seek();
    const { heap, rows } = this;
    for (;;) {
      const [top] = heap;
      if (top === undefined) return -1;
      const { row } = top;
      top.next();
      if (top.row < 0) {
        const end = heap.pop();
        if (end !== undefined && heap.length > 0) heap[0] = end;
      }
      if (heap.length > 1) sink(heap, 0, rows);
      if (row === this.last) continue;
      this.last = row;
      return row;
    }
  }

  /** Call it before a pause, in which rows may come and go. */
  beforePause(): void {
    if (this.last < 0) return;
    this.pausedAt = this.rows.createdAt(this.last);
    this.rows.copyId(this.last, this.pausedId);
  }

  /** Finds the position again after lists have changed. */
  private seek(): void {
    const { rows, until, pausedAt, pausedId } = this;
    const { terms, numbers } = this.choice;
    let passes: ((row: number) => boolean) | undefined;
    if (pausedAt !== undefined) passes = (row) => rows.isAfter(row, pausedAt, pausedId);
    else if (until !== undefined) passes = (row) => rows.createdAt(row) <= until;
    this.heap = numbers.map((term) => terms.cursor(term, passes)).filter(({ row }) => row >= 0);
    for (let at = this.heap.length >> 1; at >= 0; at--) sink(this.heap, at, rows);
    this.changes = rows.changes;
    this.last = -1;
  }
}

/** Restores a binary heap, newest row on top, below a place whose cursor has moved. */
function sink(heap: Cursor[], place: number, rows: EventRows): void {
  const cursor = heap[place];
  if (cursor === undefined) return;
  for (;;) {
    const at = 2 * place + 1;
    const [left, right] = [heap[at], heap[at + 1]];
    if (left === undefined) break;
    const isRight = right !== undefined && rows.compare(right.row, left.row) < 0;
    const lower = isRight ? right : left;
    if (rows.compare(lower.row, cursor.row) >= 0) break;
    heap[place] = lower;
    place = isRight ? at + 1 : at;
  }
  heap[place] = cursor;
}
