/**
 * The table extension: small tables of a program that travel beside the artifacts, between Cairn peers only. A stock server answers its
 * cards with `bad command`, so nothing of it is sent before the other side has said that it knows it.
 */
import { createHash } from 'node:crypto';
import { CairnError, isCairnError } from '../../lib/errors.ts';

/**
 * Which of two versions of a row wins.
 *
 * - `newest`: the later one; of one second, that whose content is greater as text, so that both sides decide alike
 * - `self-write`: as `newest`, and a server takes a row only from the user that its column `_owner` names
 * - `owner-write`: as `newest`, and `_owner` stays what it was when the row was made
 */
export type ConflictRule = 'newest' | 'self-write' | 'owner-write';

const RULES: readonly ConflictRule[] = ['newest', 'self-write', 'owner-write'];

/** The column that two of the rules look at. */
export const OWNER = '_owner';

export interface TableSchema {
  /** `x_` and then letters, digits and `_`. */
  readonly table: string;
  /** The columns that name a row. */
  readonly key: readonly string[];
  /** The other columns. */
  readonly columns: readonly string[];
  readonly rule: ConflictRule;
  /** Greater for a schema that replaces another one. It may only add columns. */
  readonly version: number;
}

/** Values of a row by column. A row whose columns beside the key are all null was deleted. */
export type Row = Readonly<Record<string, string | number | null>>;

const TABLE = /^x_[A-Za-z0-9_]{1,62}$/;
const COLUMN = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const MOST_COLUMNS = 64;

/** @throws CairnError `invalid`, which says what is wrong */
export function checkSchema(schema: TableSchema): TableSchema {
  const { table, key, columns, rule, version } = schema;
  const all = [...key, ...columns];
  const problem = !TABLE.test(table)
    ? 'its name is not x_ and then letters, digits and _'
    : key.length === 0 || columns.length === 0
      ? 'it needs a key and another column'
      : all.length > MOST_COLUMNS || new Set(all).size < all.length || !all.every((name) => COLUMN.test(name))
        ? 'its columns are not distinct names'
        : !RULES.includes(rule) || !Number.isSafeInteger(version) || version < 1
          ? 'its rule or version is not one'
          : rule !== 'newest' && !columns.includes(OWNER)
            ? `the rule ${rule} needs a column ${OWNER}`
            : undefined;
  if (problem !== undefined) throw new CairnError('invalid', `table ${table.slice(0, 80)}: ${problem}`);
  return schema;
}

/** A schema as it travels. */
export function encodeSchema({ key, columns, rule }: TableSchema): Buffer {
  return Buffer.from(JSON.stringify({ key, columns, rule }));
}

/** @throws CairnError `invalid` */
export function decodeSchema(table: string, version: number, content: Uint8Array): TableSchema {
  const value = parsed(content);
  const { key, columns, rule } = value as Record<string, unknown>;
  if (!isNames(key) || !isNames(columns) || typeof rule !== 'string') {
    throw new CairnError('invalid', `table ${table.slice(0, 80)}: its schema is malformed`);
  }
  return checkSchema({ table, key, columns, rule: rule as ConflictRule, version });
}

/** Whether a schema may replace another one: it is newer, has the same key and rule, and all the columns. */
export function mayReplace(next: TableSchema, current: TableSchema): boolean {
  return (
    next.version > current.version &&
    next.rule === current.rule &&
    next.key.join() === current.key.join() &&
    current.columns.every((column) => next.columns.includes(column))
  );
}

/** The name of a row: SHA-1 of `column=value` of its key, in the order of the columns' names, joined by NUL. */
export function rowKey(schema: TableSchema, row: Row): string {
  const parts = [...schema.key].sort().map((column) => `${column}=${String(row[column] ?? '')}`);
  return createHash('sha1').update(parts.join('\0')).digest('hex');
}

/** A row as it travels and is compared: all columns of the schema in its order. */
export function encodeRow(schema: TableSchema, row: Row): string {
  return JSON.stringify(Object.fromEntries(columnsOf(schema).map((column) => [column, row[column] ?? null])));
}

/** @throws CairnError `invalid` if it has other columns or values than rows have */
export function decodeRow(schema: TableSchema, content: Uint8Array): Row {
  const value = parsed(content);
  const columns = new Set(columnsOf(schema));
  const row: Record<string, string | number | null> = {};
  for (const [column, cell] of Object.entries(value)) {
    const isCell =
      cell === null || typeof cell === 'string' || (typeof cell === 'number' && Number.isFinite(cell));
    if (!columns.has(column) || !isCell) {
      throw new CairnError(
        'invalid',
        `table ${schema.table}: a row has a value that is not one of its columns`,
      );
    }
    row[column] = cell;
  }
  return row;
}

/** Whether a row says that it was deleted. */
export function isDeleted({ columns }: TableSchema, row: Row): boolean {
  return columns.every((column) => (row[column] ?? null) === null);
}

function columnsOf({ key, columns }: TableSchema): readonly string[] {
  return [...key, ...columns];
}

function parsed(content: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(content).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    if (isCairnError(error)) throw error;
    throw new CairnError('invalid', 'the content of a table card is not JSON', { cause: error });
  }
  throw new CairnError('invalid', 'the content of a table card is not an object');
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}
