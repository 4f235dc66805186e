import type { MeasuredRow, Row } from './measure.ts';
import { type Machine, machineLine, shown, shownGoal } from './report.ts';

const BEGIN = '<!-- figures: written by `npm run bench -- --plot` -->';
const END = '<!-- end of figures -->';

/** A page of the documentation with the figures of this run between its two marks. The page as it is without marks. */
export function withFigures(page: string, rows: readonly MeasuredRow[], machine: Machine): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from === -1 || to < from) return page;
  return `${page.slice(0, from + BEGIN.length)}\n\n${figures(rows, machine)}\n\n${page.slice(to)}`;
}

/** The rows with a goal as a table, and where they were measured. */
function figures(rows: readonly MeasuredRow[], machine: Machine): string {
  const lines = rows
    .map(({ row }) => row)
    .filter(({ goal }) => goal !== null)
    .map((row) => `| \`${row.name}\` | ${cells(row).join(' | ')} |`);
  return [
    '| row | Cairn | reference | ratio | goal | met |',
    '|---|---|---|---|---|---|',
    ...lines,
    '',
    `Measured on ${machineLine(machine)}.`,
  ].join('\n');
}

function cells(row: Row): string[] {
  const value = (number: number | null) => (number === null ? '–' : `${shown(number)} ${row.unit}`);
  return [
    value(row.cairn),
    value(row.reference),
    row.ratio === null ? '–' : shown(row.ratio),
    shownGoal(row),
    row.met ? 'yes' : 'no',
  ];
}
