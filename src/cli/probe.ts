import { type GivenFlags, readSettings } from '../config/settings.ts';
import { CairnError } from '../lib/errors.ts';
import type { ProbeReport } from '../object-store/probe.ts';
import { probeStores } from '../stores.ts';
import type { CommandContext } from './command-context.ts';

export interface ProbeFlags {
  readonly width: string;
  readonly rounds: string;
  readonly spacing: string;
  readonly json?: boolean;
}

/**
 * `cairn probe [store]`: proves that an object store keeps the promises Cairn builds on, and prints how.
 * @throws CairnError `unavailable` when it does not, after the report was printed
 */
export async function probe(
  store: string | undefined,
  options: ProbeFlags,
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const settings = readSettings(store === undefined ? flags : { ...flags, store }, context.environment);
  const report = await probeStores(settings.store, {
    width: count('--width', options.width, 2),
    rounds: count('--rounds', options.rounds, 1),
    spacing: count('--spacing', options.spacing, 0),
  });
  context.print(options.json === true ? JSON.stringify(report, null, 2) : table(report));
  if (report.failure !== undefined) {
    throw new CairnError('unavailable', `${report.store} cannot be trusted with repositories`);
  }
}

function table(report: ProbeReport): string {
  const width = Math.max(...report.phases.map((phase) => phase.name.length));
  const rows = report.phases.map((phase) => {
    const verdict = phase.ok ? 'ok    ' : 'BROKEN';
    return `${verdict}  ${phase.name.padEnd(width)}  ${phase.seconds.toFixed(2).padStart(7)} s  ${phase.detail}`.trimEnd();
  });
  const lines = [`store   ${report.store}`, ...rows];
  if (report.profile !== undefined) {
    const { ifMatch, multipart } = report.profile;
    lines.push(`profile If-Match ${ifMatch}, multipart ${multipart}`);
  }
  if (report.failure !== undefined) {
    const { phase, round, key, reason } = report.failure;
    lines.push(`broken  ${phase}${round === null ? '' : `, round ${round}`}, key ${key}: ${reason}`);
  }
  const verdict = report.ok ? 'keeps its promises' : 'does not keep its promises';
  lines.push(`verdict ${verdict} (${report.seconds.toFixed(1)} s, ${report.unanswered} racers unanswered)`);
  return lines.join('\n');
}

function count(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new CairnError(
    'invalid',
    `${flag} is ${JSON.stringify(text)}: expected a whole number from ${least}`,
  );
}
