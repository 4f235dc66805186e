import type { StoreKind } from '../cairn.ts';
import type { Curve } from '../curves.ts';
import type { Stage } from '../stage.ts';

/** The values one run of one side gives: seconds or bytes, by the name rows refer to them with. */
export type Values = Readonly<Record<string, number>>;

/** One run of one side. `run` counts from 0, the warm-up included, and is the same for both sides. */
export type Measure = (run: number) => Promise<Values>;

/** Cairn and the reference, ready to be measured in turns. */
export interface Contest {
  readonly cairn: Measure;
  /** Absent when none of the rows has anything to be compared with. */
  readonly reference?: Measure;
  /** What was measured on the way there, for the plot. */
  readonly curves?: readonly Curve[];
  /** Ends what was started for this contest alone. */
  readonly close?: () => Promise<void>;
}

/** One line of the report. */
export interface RowSpec {
  /** `<operation>/<store>`. */
  readonly name: string;
  /** How the value is shown; times are measured in seconds, sizes in bytes; rates and requests are what they are. */
  readonly unit: 'ms' | 's' | 'MiB' | 'events/s' | 'pushes/s' | 'requests';
  /** Which of the measured values this row shows. */
  readonly value: string;
  /** There is nothing to compare it with: only Cairn's value is shown. */
  readonly alone?: true;
  /** Of the runs the worst counts and not the middle; so it does for memory. */
  readonly worst?: true;
  /** The most the ratio may be. For memory and rows alone, the most Cairn's own value may be; for rates, the least. */
  readonly goal?: number;
}

/** Rows that one and the same measurement fills. */
export interface RowGroup {
  readonly rows: readonly RowSpec[];
  /** Measured pairs, unless `--runs` says otherwise. */
  readonly runs: number;
  /** Pairs made before and not counted. */
  readonly warmUps: number;
  readonly prepare: (stage: Stage) => Promise<Contest>;
}

/** Goals hold for the file store only: S3 is a network away from the reference's local disk. */
export function fileGoal(store: StoreKind, goal: number | undefined): { goal?: number } {
  return store === 'file' && goal !== undefined ? { goal } : {};
}
