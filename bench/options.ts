import { parseArgs } from 'node:util';
import { CairnError, messageOf } from '../src/lib/errors.ts';
import type { RowGroup, RowSpec } from './rows/row.ts';

/** What a person asked for on the command line. */
export interface Options {
  readonly json: boolean;
  /** Prefixes of row names; none means every row. */
  readonly rows: readonly string[];
  /** Measured pairs for each row; undefined leaves each row its own number. */
  readonly runs: number | undefined;
  /** Pushes of the row that makes many of them. */
  readonly pushes: number;
  /** Whether to keep the measured data and draw its picture in docs/. */
  readonly plot: boolean;
  readonly help: boolean;
}

/** What two cores take in within some two minutes. */
export const DEFAULT_PUSHES = 2_000;
const LEAST_PUSHES = 10;

export const usage = `usage: npm run bench -- [--rows <prefix>[,<prefix>…]] [--runs <n>] [--pushes <n>] [--plot] [--json]

  --rows   measure only rows whose name begins so, e.g. --rows ls-remote,push-one-commit/file
  --runs   measured pairs for each row (default: each row's own number, fewer when slow)
  --pushes pushes that many-pushes makes (default: ${DEFAULT_PUSHES})
  --plot   write docs/reference/benchmark-data.json and docs/images/latency.svg from what was measured
  --json   print {rows, curves, machine} and nothing else on standard output
`;

/** Reads the arguments; throws `invalid` with what is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const values = parsed(args);
  return {
    json: values.json ?? false,
    rows: (values.rows ?? '').split(',').filter((prefix) => prefix !== ''),
    runs: wholeNumber('--runs', values.runs, 1),
    pushes: wholeNumber('--pushes', values.pushes, LEAST_PUSHES) ?? DEFAULT_PUSHES,
    plot: values.plot ?? false,
    help: values.help ?? false,
  };
}

function wholeNumber(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  throw new CairnError('invalid', `${option} takes a whole number from ${least}, not "${text}"`);
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean' },
        rows: { type: 'string' },
        runs: { type: 'string' },
        pushes: { type: 'string' },
        plot: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new CairnError('invalid', messageOf(error), { cause: error });
  }
}

/** A group with those of its rows that were asked for. */
export interface Selection {
  readonly group: RowGroup;
  readonly rows: readonly RowSpec[];
}

/** The groups with a row that begins with one of the prefixes. Throws `invalid` for a prefix of none. */
export function select(groups: readonly RowGroup[], prefixes: readonly string[]): Selection[] {
  const names = groups.flatMap((group) => group.rows.map((row) => row.name));
  const unknown = prefixes.find((prefix) => !names.some((name) => name.startsWith(prefix)));
  if (unknown !== undefined) {
    throw new CairnError('invalid', `no row begins with "${unknown}"; there are: ${names.join(', ')}`);
  }
  const wanted = (row: RowSpec) =>
    prefixes.length === 0 || prefixes.some((prefix) => row.name.startsWith(prefix));
  return groups
    .map((group) => ({ group, rows: group.rows.filter(wanted) }))
    .filter(({ rows }) => rows.length > 0);
}
