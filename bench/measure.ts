import { CairnError } from '../src/lib/errors.ts';
import type { Curve } from './curves.ts';
import type { RowGroup, RowSpec, Values } from './rows/row.ts';
import type { Stage } from './stage.ts';

/** One line of the report. All fields but the name and the unit are null when they could not be had. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  /** Median of Cairn's runs; for memory their maximum, for requests their minimum. */
  readonly cairn: number | null;
  /** The same of the reference's runs; null where there is none. */
  readonly reference: number | null;
  /** The one median by the other; null where the reference has none or 0, and for memory. */
  readonly ratio: number | null;
  readonly goal: number | null;
  /** What the goal bounds: the ratio, or Cairn's value from above or from below. */
  readonly bound: Bound;
  /** Whether the goal is met; null without one. */
  readonly met: boolean | null;
}

export type Bound = 'ratio' | 'most' | 'least';

/** A row and how far its pairs lie apart. */
export interface MeasuredRow {
  readonly row: Row;
  /** Least and greatest ratio of a pair. */
  readonly spread: readonly [number, number] | null;
}

/** The two sides' values of one pair of runs. */
export interface Pair {
  readonly cairn: Values;
  readonly reference: Values;
}

const perUnit: Record<RowSpec['unit'], number> = {
  ms: 1e-3,
  s: 1,
  MiB: 2 ** 20,
  'events/s': 1,
  'pushes/s': 1,
  requests: 1,
};

/** What a group's measurement gave. */
export interface Measurement {
  readonly pairs: readonly Pair[];
  readonly curves: readonly Curve[];
}

/** No further pair is begun by itself that would carry a group's pairs beyond this. */
const secondsPerGroup = 180;

/**
 * Measures a group: Cairn, the reference, Cairn, the reference …, so that whatever else the machine
 * does falls on both. The first `warmUps` pairs are thrown away. Without `runs` the group's own number
 * of pairs is made, or fewer (but one) on a machine so slow that they would take too long.
 */
export async function measureGroup(group: RowGroup, stage: Stage, runs?: number): Promise<Measurement> {
  const contest = await group.prepare(stage);
  const pairs: Pair[] = [];
  try {
    const began = performance.now();
    for (let run = 0; run < group.warmUps + (runs ?? group.runs); run++) {
      const cairn = await contest.cairn(run);
      const reference = (await contest.reference?.(run)) ?? {};
      if (run >= group.warmUps) pairs.push({ cairn, reference });
      const afterNext = ((performance.now() - began) / 1000) * ((run + 2) / (run + 1));
      if (runs === undefined && pairs.length > 0 && afterNext > secondsPerGroup) break;
    }
  } finally {
    await contest.close?.();
  }
  return { pairs, curves: contest.curves ?? [] };
}

/** What the pairs say about one row. */
export function summarize(spec: RowSpec, pairs: readonly Pair[]): MeasuredRow {
  const scaled = (values: Values) => {
    const value = values[spec.value];
    if (value === undefined) throw new CairnError('invalid', `${spec.name} measures no ${spec.value}`);
    return value / perUnit[spec.unit];
  };
  const isMemory = spec.unit === 'MiB';
  const typical = typicalOf(spec);
  const compared = spec.alone ? [] : pairs;
  const cairn = typical(pairs.map((pair) => scaled(pair.cairn)));
  const reference = spec.alone ? null : typical(compared.map((pair) => scaled(pair.reference)));
  const ratio = isMemory || reference === null || reference === 0 ? null : cairn / reference;
  const goal = spec.goal ?? null;
  const ratios = compared.map((pair) => scaled(pair.cairn) / scaled(pair.reference)).filter(Number.isFinite);
  return {
    row: {
      name: spec.name,
      unit: spec.unit,
      cairn,
      reference,
      ratio,
      goal,
      bound: boundOf(spec),
      met: goal === null ? null : meets(goal, boundOf(spec), cairn, ratio),
    },
    spread: ratio === null || ratios.length === 0 ? null : [Math.min(...ratios), Math.max(...ratios)],
  };
}

/** The value that stands for all runs. */
function typicalOf({ unit, worst }: RowSpec): (values: readonly number[]) => number {
  if (unit === 'MiB' || worst) return (values) => Math.max(...values);
  // Requests that a server makes by itself are counted, too, and can only add to others.
  if (unit === 'requests') return (values) => Math.min(...values);
  return median;
}

/** What a row's goal would bound. */
function boundOf(spec: RowSpec): Bound {
  if (spec.unit === 'events/s' || spec.unit === 'pushes/s') return 'least';
  return spec.unit === 'MiB' || spec.alone ? 'most' : 'ratio';
}

function meets(goal: number, bound: Bound, cairn: number, ratio: number | null): boolean {
  if (bound === 'least') return cairn >= goal;
  const judged = bound === 'most' ? cairn : ratio;
  return judged !== null && judged <= goal;
}

/** The line of a row that could not be measured; a goal of such a row is not met. */
export function failedRow(spec: RowSpec): MeasuredRow {
  const goal = spec.goal ?? null;
  const met = goal === null ? null : false;
  return {
    row: {
      name: spec.name,
      unit: spec.unit,
      cairn: null,
      reference: null,
      ratio: null,
      goal,
      bound: boundOf(spec),
      met,
    },
    spread: null,
  };
}

/** The middle value, or the mean of the two in the middle. NaN for no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return (low + high) / 2;
}

/** The value that a share of all values does not exceed: 0.99 for all but the worst hundredth. NaN for no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? Number.NaN;
}
