import type { CurveBook, Operation } from '../curves.ts';
import { median } from '../measure.ts';

/** One thing that both servers are asked for; each call gives its seconds. */
export interface Question {
  readonly operation: Operation;
  readonly times: number;
  readonly cairn: () => Promise<number>;
  readonly reference: () => Promise<number>;
}

/** Asks Cairn, the reference, Cairn …, and notes the medians as one point of the curves. */
export async function noteInTurns(book: CurveBook, at: number, question: Question): Promise<void> {
  const cairn: number[] = [];
  const reference: number[] = [];
  for (let time = 0; time < question.times; time++) {
    cairn.push(await question.cairn());
    reference.push(await question.reference());
  }
  book.note('cairn', question.operation, { at, seconds: median(cairn) });
  book.note('reference', question.operation, { at, seconds: median(reference) });
}

/** 10, 30, 100, 300 … up to the last value, which is always among them. */
export function checkpoints(last: number): number[] {
  const steps: number[] = [];
  for (let decade = 10; decade < last; decade *= 10) {
    steps.push(...[1, 3].map((factor) => factor * decade).filter((step) => step < last));
  }
  return [...steps, last];
}

/** Says on standard error how far a long preparation is. */
export function progress(what: string): void {
  process.stderr.write(` ${what}`);
}
