/** How well a path fits what somebody typed: its letters in this order, with others between them. */

/** Characters of a path that are looked at. */
const LONGEST = 1_024;

const MATCH = 16;
const AT_WORD = 12;
const AFTER_MATCH = 14;
const IN_NAME = 8;
const GAP = 1;
const MOST_GAPS = 24;

/** Where and how well. */
export interface FuzzyMatch {
  /** Higher is better; above 0. */
  readonly score: number;
  /** Ascending indexes of the characters that fit. */
  readonly at: readonly number[];
}

/** A text as it is compared: in lower case, where that changes no index. */
export function folded(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text;
}

/**
 * Scores a path. It takes time in proportion to the length of the path.
 * @param query folded, without spaces; not empty
 * @param path folded
 * @returns undefined if it does not fit
 */
export function fuzzyScore(query: string, path: string): FuzzyMatch | undefined {
  const text = path.slice(-LONGEST);
  const name = text.lastIndexOf('/') + 1;
  // The name of the file counts more, so it is tried alone first.
  const found = locate(query, text, name) ?? (name === 0 ? undefined : locate(query, text, 0));
  if (found === undefined) return undefined;
  const skipped = path.length - text.length;
  const score = scoreOf(query, text, found, name);
  return { score, at: found.map((index) => index + skipped) };
}

/** Finds the characters, at first as early as possible, then as close together as that end allows. */
function locate(query: string, text: string, from: number): number[] | undefined {
  const whole = text.indexOf(query, from);
  const chars = query.split('');
  if (whole !== -1) return chars.map((_, at) => whole + at);
  let end = from - 1;
  for (const char of chars) {
    end = text.indexOf(char, end + 1);
    if (end === -1) return undefined;
  }
  const found: number[] = [];
  for (let at = chars.length - 1, index = end; at >= 0; at--, index--) {
    index = text.lastIndexOf(chars[at] ?? '', index);
    found.unshift(index);
  }
  return found;
}

function scoreOf(query: string, text: string, found: readonly number[], name: number): number {
  let score = 0;
  let previous = -2;
  for (const at of found) {
    score += MATCH;
    if (at === previous + 1) score += AFTER_MATCH;
    else if (previous >= 0) score -= Math.min(MOST_GAPS, GAP * (at - previous - 1));
    if (at === 0 || /[^a-z0-9]/.test(text[at - 1] ?? '')) score += AT_WORD;
    if (at >= name) score += IN_NAME;
    previous = at;
  }
  const [first = 0] = found;
  const isWhole = first === name && text.length - name === query.length;
  // Of paths that fit equally well, the shorter one.
  return Math.max(1, score * 16 + (isWhole ? 512 : 0) - Math.min(255, text.length >> 2));
}
