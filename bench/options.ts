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
  readonly help: boolean;
}

export const usage = `usage: npm run bench -- [--rows <prefix>[,<prefix>…]] [--runs <n>] [--json]

  --rows   measure only rows whose name begins so, e.g. --rows ls-remote,push-one-commit/file
  --runs   measured pairs for each row (default: each row's own number, fewer when slow)
  --json   print {rows, machine} and nothing else on standard output
`;

/** Reads the arguments; throws `invalid` with what is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const values = parsed(args);
  const runs = values.runs === undefined ? undefined : Number(values.runs);
  if (runs !== undefined && !(Number.isInteger(runs) && runs >= 1)) {
    throw new CairnError('invalid', `--runs takes a whole number from 1, not "${values.runs}"`);
  }
  return {
    json: values.json ?? false,
    rows: (values.rows ?? '').split(',').filter((prefix) => prefix !== ''),
    runs,
    help: values.help ?? false,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean' },
        rows: { type: 'string' },
        runs: { type: 'string' },
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
