import type { Curve } from './curves.ts';
import type { MeasuredRow, Row } from './measure.ts';

/** Where the figures were taken; they mean little elsewhere. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly git: string;
  readonly reference: string;
}

/** The report for programs: one JSON document, rounded to three significant digits. */
export function jsonReport(rows: readonly MeasuredRow[], curves: readonly Curve[], machine: Machine): string {
  const rounded = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(3)) : value;
  return JSON.stringify({ rows: rows.map(({ row }) => row), curves, machine }, rounded, 2);
}

/** The report for people. */
export function tableReport(rows: readonly MeasuredRow[], machine: Machine): string {
  const head = ['row', 'unit', 'cairn', 'reference', 'ratio', 'pairs', 'goal', 'met'];
  const lines = rows.map(({ row, spread }) => [
    row.name,
    row.unit,
    shown(row.cairn),
    shown(row.reference),
    shown(row.ratio),
    spread === null ? '' : `${shown(spread[0])}–${shown(spread[1])}`,
    shownGoal(row),
    row.met === null ? '' : row.met ? 'yes' : 'NO',
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const aligned = [head, widths.map((width) => '-'.repeat(width)), ...lines].map((line) =>
    line
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [...aligned, '', machineLine(machine)].join('\n');
}

/** A machine in one line. */
export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGiB, system, node, git, reference } = machine;
  return `${cores} × ${cpu}, ${memoryGiB} GiB; ${system}; Node ${node}; ${git}; reference: ${reference}`;
}

/** What a row's goal asks for; empty without one. */
export function shownGoal({ goal, bound, unit }: Row): string {
  if (goal === null) return '';
  return bound === 'ratio' ? `≤ ${goal}` : `${bound === 'most' ? '≤' : '≥'} ${goal} ${unit}`;
}

/** A number with two or three digits that count. */
export function shown(value: number | null): string {
  if (value === null) return '–';
  if (Math.abs(value) >= 100) return value.toFixed(0);
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return value.toFixed(2);
}
