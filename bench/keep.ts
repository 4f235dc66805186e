import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CairnError } from '../src/lib/errors.ts';
import type { Curve } from './curves.ts';
import { withFigures } from './figures.ts';
import type { MeasuredRow } from './measure.ts';
import type { Selection } from './options.ts';
import { projectRoot } from './paths.ts';
import { latencyPlot } from './plot.ts';
import { jsonReport, type Machine } from './report.ts';

const DATA = 'docs/reference/benchmark-data.json';
const PAGE = 'docs/explanation/performance.md';
const PICTURE = 'docs/images/latency.svg';
/** The rows that measure what is drawn begin so. */
const DRAWN = ['many-pushes', 'many-refs'];

/** Throws `invalid` when rows are left out without which there is no picture. */
export function checkPlottable(selections: readonly Selection[]): void {
  const names = selections.flatMap(({ rows }) => rows.map((row) => row.name));
  const missing = DRAWN.find((beginning) => !names.some((name) => name.startsWith(beginning)));
  if (missing !== undefined) throw new CairnError('invalid', `--plot needs the rows ${missing}, too`);
}

/** Keeps what was measured in docs/: as data, as a picture, and as the figures of a page. Throws when a row that is drawn has failed. */
export async function keepData(
  rows: readonly MeasuredRow[],
  curves: readonly Curve[],
  machine: Machine,
): Promise<void> {
  if (!(['pushes', 'refs'] as const).every((axis) => curves.some(({ over }) => over === axis))) {
    throw new CairnError(
      'unavailable',
      `${DRAWN.join(' or ')} failed: ${DATA} and ${PICTURE} stay as they are`,
    );
  }
  await write(DATA, `${jsonReport(rows, curves, machine)}\n`);
  await write(PICTURE, latencyPlot(curves));
  const page = await readFile(join(projectRoot(), PAGE), 'utf8');
  await write(PAGE, withFigures(page, rows, machine));
}

async function write(name: string, text: string): Promise<void> {
  const path = join(projectRoot(), name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  process.stderr.write(`wrote ${name}\n`);
}
