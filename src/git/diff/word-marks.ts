/** Differences inside of lines beside each other. Pure, and bounded by counts: the same diff has the same marks. */
import type { DiffHunk, DiffLine, Mark } from './unified-diff.ts';

/** Longer lines are not compared by words. */
const LINE_LENGTH = 1_000;
/** Steps for one pair of lines; beyond them the whole middle differs. */
const PAIR_STEPS = 60_000;
/** Part of the longer line that two lines share at least, or nothing is marked: two other lines are not a change of one. */
const LEAST_SHARED = 0.3;

/** What a page may spend on words, in steps: some 10 milliseconds a million. */
export interface WordBudget {
  steps: number;
}

/** The same hunk with marks. Lines that replace others are compared in order. */
export function markWords({ heading, lines }: DiffHunk, budget: WordBudget): DiffHunk {
  const marked = [...lines];
  for (let at = 0; at < lines.length; ) {
    const deleted = runOf(lines, at, 'deleted');
    const added = runOf(lines, at + deleted, 'added');
    for (let offset = 0; offset < Math.min(deleted, added); offset++) {
      const [left, right] = [lines[at + offset], lines[at + deleted + offset]];
      if (left === undefined || right === undefined) continue;
      const marks = compareWords(left.text, right.text, budget);
      if (marks === undefined) continue;
      marked[at + offset] = { ...left, marks: marks.left };
      marked[at + deleted + offset] = { ...right, marks: marks.right };
    }
    at += Math.max(1, deleted + added);
  }
  return { heading, lines: marked };
}

/** How many lines of a kind follow one another. */
export function runOf(lines: readonly DiffLine[], from: number, kind: DiffLine['kind']): number {
  let at = from;
  while (lines[at]?.kind === kind) at++;
  return at - from;
}

/**
 * Finds what differs between two lines.
 * @returns undefined if they have little in common, or cannot be compared within the budget
 */
export function compareWords(
  left: string,
  right: string,
  budget: WordBudget,
): { readonly left: readonly Mark[]; readonly right: readonly Mark[] } | undefined {
  if (budget.steps <= 0 || left.length > LINE_LENGTH || right.length > LINE_LENGTH) return undefined;
  const [a, b] = [wordsOf(left), wordsOf(right)];
  budget.steps -= a.length + b.length;
  if (budget.steps < 0) return undefined;
  let begin = 0;
  while (begin < a.length && begin < b.length && a[begin] === b[begin]) begin++;
  let end = 0;
  while (end < a.length - begin && end < b.length - begin && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [keptLeft, keptRight] = [new Set<number>(), new Set<number>()];
  const [middleLeft, middleRight] = [a.length - begin - end, b.length - begin - end];
  const steps = middleLeft * middleRight;
  if (steps <= PAIR_STEPS && steps <= budget.steps) {
    budget.steps -= steps;
    for (const [i, j] of commonWords(a.slice(begin, a.length - end), b.slice(begin, b.length - end))) {
      keptLeft.add(begin + i);
      keptRight.add(begin + j);
    }
  }
  const isKept = (kept: Set<number>, length: number) => (at: number) =>
    at < begin || at >= length - end || kept.has(at);
  const marks = {
    left: marksOf(a, isKept(keptLeft, a.length)),
    right: marksOf(b, isKept(keptRight, b.length)),
  };
  const shared = (text: string, ranges: readonly Mark[]) =>
    text.length - ranges.reduce((sum, [start, stop]) => sum + stop - start, 0);
  const most = Math.max(left.length, right.length);
  return Math.min(shared(left, marks.left), shared(right, marks.right)) < LEAST_SHARED * most
    ? undefined
    : marks;
}

function wordsOf(line: string): string[] {
  return line.match(/[\p{L}\p{N}_]+|\s+|./gsu) ?? [];
}

/** A longest common subsequence, as pairs of positions. */
function commonWords(a: readonly string[], b: readonly string[]): [number, number][] {
  const width = b.length + 1;
  // The length for what is left of both, from the end.
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let [i, j] = [0, 0]; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}

/** The ranges of words that are not kept; neighbours become one. */
function marksOf(words: readonly string[], isKept: (at: number) => boolean): Mark[] {
  const marks: [number, number][] = [];
  let start = 0;
  words.forEach((word, at) => {
    const end = start + word.length;
    const last = marks.at(-1);
    if (!isKept(at)) {
      if (last?.[1] === start) last[1] = end;
      else marks.push([start, end]);
    }
    start = end;
  });
  return marks;
}
