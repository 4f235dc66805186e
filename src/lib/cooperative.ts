import { setImmediate as nextTurn } from 'node:timers/promises';

/** Hands out turns of the event loop one by one, so that pieces of long work never share one, whoever they belong to. */
export class LoopTurns {
  private last: Promise<void> = Promise.resolve();

  /** Resolves in a turn that nobody else was given. */
  next(): Promise<void> {
    this.last = this.last.then(() => nextTurn());
    return this.last;
  }
}

/** Of several long works each gets turns of its own, or what they do in one would add up. */
const shared = new LoopTurns();

/** Items worked on before others get their turn: a few milliseconds. */
export const BATCH = 2_000;

/** Cuts what may be very much into pieces, with a turn of the event loop for others between one and the next. */
export async function* inBatches<T>(
  items: Iterable<T>,
  size = BATCH,
): AsyncGenerator<readonly T[], void, undefined> {
  let piece: T[] = [];
  for (const item of items) {
    piece.push(item);
    if (piece.length < size) continue;
    yield piece;
    await shared.next();
    piece = [];
  }
  if (piece.length > 0) yield piece;
}

/**
 * Long work that can be interrupted: it yields wherever others may have their turn. Who has time for it at once runs it with
 * {@link runToEnd}, who must not hold up others with {@link cooperate}.
 */
export type Cooperative<T> = Generator<undefined, T, undefined>;

/** Milliseconds that work goes on before others get their turn. */
const SLICE_MS = 8;

/** Steps between two looks at the clock, which costs more than many a step. */
const STEPS = 256;

/** Where others may have their turn, if it is time for that. */
export class Yielder {
  private began = performance.now();
  private steps = 0;

  /** For steps of a microsecond or so: as {@link isDue}, but for most calls without a look at the clock. */
  get isDueByNow(): boolean {
    this.steps = (this.steps + 1) % STEPS;
    return this.steps === 0 && this.isDue;
  }

  /** True when work has gone on long enough. */
  get isDue(): boolean {
    return performance.now() - this.began >= SLICE_MS;
  }

  /** Lets others have their turn, if it is time for that. */
  async next(): Promise<void> {
    if (!this.isDue) return;
    await shared.next();
    this.began = performance.now();
  }
}

/** Steps of a microsecond or less that are done in one go. */
const STRETCH = 4_096;

/**
 * Does the same for very many numbers from 0 on, in slices as {@link cooperate}. A function that is called for a few thousand of them
 * at a time gets fast once and stays so, while a loop of millions with pauses within is compiled anew whenever it runs.
 * @param work is called with the first number, and the one behind the last
 */
export async function inStretches(count: number, work: (from: number, to: number) => void): Promise<void> {
  const pauses = new Yielder();
  for (let from = 0; from < count; from += STRETCH) {
    work(from, Math.min(from + STRETCH, count));
    if (pauses.isDue) await pauses.next();
  }
}

/** Does work from beginning to end. */
export function runToEnd<T>(work: Cooperative<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Does work in slices of a few milliseconds, with a turn of the event loop for others between one and the next. */
export async function cooperate<T>(work: Cooperative<T>): Promise<T> {
  const pauses = new Yielder();
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (pauses.isDue) await pauses.next();
  }
}

/** The items for which something is so. */
export function* filtered<T>(items: Iterable<T>, holds: (item: T) => boolean): Cooperative<T[]> {
  const kept: T[] = [];
  for (const item of items) {
    if (holds(item)) kept.push(item);
    yield;
  }
  return kept;
}

/** What is made of each item. */
export function* mapped<T, R>(items: Iterable<T>, make: (item: T) => R): Cooperative<R[]> {
  const made: R[] = [];
  for (const item of items) {
    made.push(make(item));
    yield;
  }
  return made;
}

/** Items that are put in order a run at a time. */
const RUN = 1_024;
const MERGED_AT_ONCE = 64;

/** A new array of the items in order: runs of them by the built-in sort, merged. */
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
