import type { GivenFlags } from '../config/given-flags.ts';
import { readSettings } from '../config/settings.ts';
import type { ProbeReport } from '../object-store/probe/probe.ts';
import { probeError } from '../object-store/probe/probe-error.ts';
import { probeStores } from '../server/stores.ts';
import type { CommandContext } from './command-context.ts';
import { countValue } from './flag-values.ts';

export interface ProbeFlags {
  readonly width: string;
  readonly rounds: string;
  readonly spacing: string;
  readonly json?: boolean;
}

/**
 * `cairn probe [store]`: checks that an object store keeps the promises that Cairn relies on, and prints a report.
 * @throws StoreBrokenError when it does not, StoreUntriedError when it could not be tried; both after the report was
 * printed
 */
export async function probe(
  store: string | undefined,
  options: ProbeFlags,
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const settings = readSettings(store === undefined ? flags : { ...flags, store }, context.environment);
  const report = await probeStores(settings.store, {
    width: countValue('--width', options.width, 2),
    rounds: countValue('--rounds', options.rounds, 1),
    spacing: countValue('--spacing', options.spacing, 0),
  });
  context.print(options.json === true ? JSON.stringify(report, null, 2) : table(report));
  if (report.failure !== undefined) throw probeError(report);
}

function table(report: ProbeReport): string {
  const width = Math.max(...report.phases.map((phase) => phase.name.length));
  const rows = report.phases.map((phase) => {
    const verdict = phase.ok ? 'ok' : phase.untried === true ? 'UNTRIED' : 'BROKEN';
    return `${verdict.padEnd(7)} ${phase.name.padEnd(width)}  ${phase.seconds.toFixed(2).padStart(7)} s  ${phase.detail}`.trimEnd();
  });
  const lines = [`store   ${report.store}`, ...rows];
  if (report.profile !== undefined) {
    const { ifMatch, multipart } = report.profile;
    lines.push(`profile If-Match ${ifMatch}, multipart ${multipart}`);
  }
  if (report.failure !== undefined) {
    const { is, phase, round, key, reason } = report.failure;
    lines.push(`${is.padEnd(7)} ${phase}${round === null ? '' : `, round ${round}`}, key ${key}: ${reason}`);
  }
  const verdict = report.ok
    ? 'keeps its promises'
    : report.failure?.is === 'untried'
      ? 'could not be tried: check the settings, or try again'
      : 'does not keep its promises';
  lines.push(`verdict ${verdict} (${report.seconds.toFixed(1)} s, ${report.unanswered} racers unanswered)`);
  return lines.join('\n');
}
