import { setImmediate as nextTurn } from 'node:timers/promises';

/** Hands out turns of the event loop one at a time, so that parts of different long tasks never share a turn. */
export class LoopTurns {
  private last: Promise<void> = Promise.resolve();

  /** Resolves in a turn of its own. */
  next(): Promise<void> {
    this.last = this.last.then(() => nextTurn());
    return this.last;
  }
}

/** Shared by all long tasks: if several ran in one turn, their delays would add up. */
const shared = new LoopTurns();

/** How many items are processed before the task yields: a few milliseconds' work. */
export const BATCH = 2_000;

/** Splits many items into batches, and yields to the event loop between two batches. */
export async function* inBatches<T>(
  items: Iterable<T>,
  size = BATCH,
): AsyncGenerator<readonly T[], void, undefined> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    await shared.next();
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * Long work that can be interrupted: it yields wherever others may run. {@link runToEnd} runs it at once; {@link cooperate}
 * runs it without holding up others.
 */
export type Cooperative<T> = Generator<undefined, T, undefined>;

/** How many milliseconds work runs before it yields. */
const SLICE_MS = 8;

/** Steps between two readings of the clock, which cost more than many steps. */
const STEPS = 256;

/** Yields to the event loop when work has run for long enough. */
export class Yielder {
  private began = performance.now();
  private steps = 0;

  /** Like {@link isDue}, for steps of about a microsecond: most calls do not read the clock. */
  get isDueByNow(): boolean {
    this.steps = (this.steps + 1) % STEPS;
    return this.steps === 0 && this.isDue;
  }

  /** True when work has run for long enough. */
  get isDue(): boolean {
    return performance.now() - this.began >= SLICE_MS;
  }

  /** Yields if that is due. */
  async next(): Promise<void> {
    if (!this.isDue) return;
    await shared.next();
    this.began = performance.now();
  }
}

/** How many steps of at most a microsecond run without a check. */
const STRETCH = 4_096;

/**
 * Runs work over the numbers from 0 to `count`, and yields like {@link cooperate}. A function that is called for a few
 * thousand numbers at a time is optimized once. A loop over millions with pauses inside would be compiled again at each run.
 * @param work called with the first number and the one after the last
 */
export async function inStretches(count: number, work: (from: number, to: number) => void): Promise<void> {
  const yielder = new Yielder();
  for (let from = 0; from < count; from += STRETCH) {
    work(from, Math.min(from + STRETCH, count));
    if (yielder.isDue) await yielder.next();
  }
}

/** Runs work to its end without yielding. */
export function runToEnd<T>(work: Cooperative<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Runs work in slices of a few milliseconds, and yields to the event loop between two slices. */
export async function cooperate<T>(work: Cooperative<T>): Promise<T> {
  const yielder = new Yielder();
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (yielder.isDue) await yielder.next();
  }
}

/** The items that a predicate accepts. */
export function* filtered<T>(items: Iterable<T>, holds: (item: T) => boolean): Cooperative<T[]> {
  const kept: T[] = [];
  for (const item of items) {
    if (holds(item)) kept.push(item);
    yield;
  }
  return kept;
}

/** The result of a function for each item. */
export function* mapped<T, R>(items: Iterable<T>, make: (item: T) => R): Cooperative<R[]> {
  const made: R[] = [];
  for (const item of items) {
    made.push(make(item));
    yield;
  }
  return made;
}

/** How many items are sorted in one step. */
const RUN = 1_024;
const MERGED_AT_ONCE = 64;

/** A sorted copy of the items: runs sorted by the built-in sort, then merged. */
export function* sorted<T>(items: readonly T[], compare: (a: T, b: T) => number): Cooperative<T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += RUN) {
    runs.push(items.slice(at, at + RUN).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* mergedRun(runs[at] ?? [], runs[at + 1] ?? [], compare));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* mergedRun<T>(
  one: readonly T[],
  other: readonly T[],
  compare: (a: T, b: T) => number,
): Cooperative<T[]> {
  const merged: T[] = [];
  for (let [left, right] = [0, 0]; left < one.length || right < other.length; ) {
    const [a, b] = [one[left], other[right]];
    const first = right >= other.length || (left < one.length && compare(a as T, b as T) <= 0);
    if (first) left++;
    else right++;
    merged.push((first ? a : b) as T);
    if (merged.length % MERGED_AT_ONCE === 0) yield;
  }
  return merged;
}
