import { messageOf } from '../src/lib/errors.ts';
import type { Curve } from './curves.ts';
import { checkPlottable, keepData } from './keep.ts';
import { describeMachine } from './machine.ts';
import { failedRow, type MeasuredRow, measureGroup, summarize } from './measure.ts';
import { parseOptions, type Selection, select, usage } from './options.ts';
import { endEverything, killEverything } from './processes.ts';
import { jsonReport, tableReport } from './report.ts';
import { allRows } from './rows/index.ts';
import { Stage } from './stage.ts';

/** `npm run bench`: arguments → rows → pairs of runs → a report. Progress goes to standard error. */
async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const selections = select(allRows(options), options.rows);
  if (options.plot) checkPlottable(selections);
  const machine = await describeMachine();
  const stage = await Stage.open();
  endOnSignals(stage);
  try {
    const rows: MeasuredRow[] = [];
    const curves: Curve[] = [];
    for (const selection of selections) {
      const result = await measured(selection, stage, options.runs);
      rows.push(...result.rows);
      curves.push(...result.curves);
    }
    const text = options.json ? jsonReport(rows, curves, machine) : tableReport(rows, machine);
    process.stdout.write(`${text}\n`);
    if (options.plot) await keepData(rows, curves, machine);
    return rows.some(({ row }) => row.cairn === null) ? 1 : 0;
  } finally {
    await stage.close();
    // What a failed preparation left behind would keep this process alive.
    killEverything();
  }
}

/** One group's rows. A failure is told and shown as rows without values; the others go on. */
async function measured(
  { group, rows }: Selection,
  stage: Stage,
  runs: number | undefined,
): Promise<{ readonly rows: readonly MeasuredRow[]; readonly curves: readonly Curve[] }> {
  const began = performance.now();
  const names = rows.map((row) => row.name).join(', ');
  process.stderr.write(`${names} …`);
  try {
    const { pairs, curves } = await measureGroup(group, stage, runs);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stderr.write(` ${pairs.length} pair${pairs.length === 1 ? '' : 's'}, ${seconds} s\n`);
    return { rows: rows.map((row) => summarize(row, pairs)), curves };
  } catch (error) {
    process.stderr.write(` failed: ${messageOf(error)}\n`);
    return { rows: rows.map(failedRow), curves: [] };
  }
}

/** Whatever ends the run, no server outlives it and its folder goes. */
function endOnSignals(stage: Stage): void {
  process.on('exit', killEverything);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      endEverything().then(() => {
        try {
          stage.discard();
        } catch (error) {
          // The next run tidies up what this one is still writing.
          told(error);
        }
        process.exit(1);
      }, told);
    });
  }
}

function told(error: unknown): void {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

main().then((code) => {
  process.exitCode = code;
}, told);
