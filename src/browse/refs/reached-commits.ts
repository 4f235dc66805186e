/** How far tips are apart, found from the newest commits that they reach. Pure. */

/** Commits that one tip reaches and the other does not. */
export interface Apart {
  readonly ahead: number;
  readonly behind: number;
  /** False when the walk ended before the histories met: then both may be larger than they say. */
  readonly exact: boolean;
}

/** Bits in a word that is never negative: one for each tip. There are two words. */
const WORD = 31;
/** Tips that can be compared at once, the one that all are compared with included. */
export const MOST_TIPS = 2 * WORD;
/** Passes over all commits, after which dates that lie are not followed any more. */
const MOST_PASSES = 8;

/**
 * Notes which tips reach which commits, while commits come newest first. As long as dates do not lie, a commit comes after
 * everything that has it as a parent; what was found too late is carried on at the end.
 */
export class ReachedCommits {
  private readonly tips: readonly string[];
  private readonly numbers = new Map<string, number>();
  /** For each known commit: the tips that reach it, in two words. */
  private readonly low: number[] = [];
  private readonly high: number[] = [];
  /** For each known commit: the numbers of its parents; undefined until it has come. */
  private readonly parents: (readonly number[] | undefined)[] = [];
  private readonly allLow: number;
  private readonly allHigh: number;
  /** Known commits that have not come, and are not reached by every tip. */
  private open = 0;
  private outOfOrder = false;

  /** @param tips ids of commits, {@link MOST_TIPS} at most */
  constructor(tips: readonly string[]) {
    this.tips = tips;
    this.allLow = 2 ** Math.min(tips.length, WORD) - 1;
    this.allHigh = 2 ** Math.max(0, tips.length - WORD) - 1;
    tips.forEach((tip, at) => {
      this.reach(this.numberOf(tip), ...bitOf(at));
    });
  }

  /** True once all histories have met: what has not come is reached by every tip. */
  get met(): boolean {
    return this.open === 0;
  }

  /** Takes the next commit. */
  add(oid: string, parents: readonly string[]): void {
    const at = this.numberOf(oid);
    if (this.parents[at] !== undefined) return;
    if (!this.isCommon(at)) this.open--;
    const numbers = parents.map((parent) => this.numberOf(parent));
    this.parents[at] = numbers;
    for (const parent of numbers) this.reach(parent, this.low[at] ?? 0, this.high[at] ?? 0);
  }

  /** Counts how far each tip is from the first one. */
  apart(): Apart[] {
    const settled = this.settle();
    return this.tips.map((_, tip) => {
      const [low, high] = bitOf(tip);
      let [ahead, behind, exact] = [0, 0, settled];
      this.parents.forEach((parents, at) => {
        const isOurs = ((this.low[at] ?? 0) & low) !== 0 || ((this.high[at] ?? 0) & high) !== 0;
        const isBase = ((this.low[at] ?? 0) & 1) !== 0;
        if (isOurs === isBase) return;
        if (parents === undefined) exact = false;
        else if (isOurs) ahead++;
        else behind++;
      });
      return { ahead, behind, exact };
    });
  }

  /** Propagates marks that were found too late. @returns false if dates are so wrong that it gives up */
  private settle(): boolean {
    for (let pass = 0; this.outOfOrder && pass < MOST_PASSES; pass++) {
      this.outOfOrder = false;
      this.parents.forEach((parents, at) => {
        for (const parent of parents ?? []) this.reach(parent, this.low[at] ?? 0, this.high[at] ?? 0);
      });
    }
    return !this.outOfOrder;
  }

  private numberOf(oid: string): number {
    const known = this.numbers.get(oid);
    if (known !== undefined) return known;
    const at = this.low.length;
    this.numbers.set(oid, at);
    this.low.push(0);
    this.high.push(0);
    this.parents.push(undefined);
    this.open++;
    return at;
  }

  private reach(at: number, low: number, high: number): void {
    const [oldLow, oldHigh] = [this.low[at] ?? 0, this.high[at] ?? 0];
    if ((oldLow | low) === oldLow && (oldHigh | high) === oldHigh) return;
    this.low[at] = oldLow | low;
    this.high[at] = oldHigh | high;
    if (this.parents[at] !== undefined) this.outOfOrder = true;
    else if (this.isCommon(at)) this.open--;
  }

  private isCommon(at: number): boolean {
    return this.low[at] === this.allLow && this.high[at] === this.allHigh;
  }
}

function bitOf(tip: number): [low: number, high: number] {
  return tip < WORD ? [2 ** tip, 0] : [0, 2 ** (tip - WORD)];
}
