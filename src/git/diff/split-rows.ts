import type { DiffLine } from './unified-diff.ts';
import { runOf } from './word-marks.ts';

/** Two lines side by side; undefined where one side has none. */
export interface SplitRow {
  readonly left: DiffLine | undefined;
  readonly right: DiffLine | undefined;
}

/** The lines of a hunk in two columns: what was before on the left, what is now on the right. */
export function splitRows(lines: readonly DiffLine[]): SplitRow[] {
  const rows: SplitRow[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    if (line?.kind === 'context') {
      rows.push({ left: line, right: line });
      at++;
      continue;
    }
    const deleted = runOf(lines, at, 'deleted');
    const added = runOf(lines, at + deleted, 'added');
    for (let offset = 0; offset < Math.max(deleted, added); offset++) {
      rows.push({
        left: offset < deleted ? lines[at + offset] : undefined,
        right: offset < added ? lines[at + deleted + offset] : undefined,
      });
    }
    at += deleted + added;
  }
  return rows;
}
