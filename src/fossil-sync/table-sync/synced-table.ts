import { createHash } from 'node:crypto';
import { CairnError } from '../../lib/errors.ts';
import {
  checkSchema,
  encodeRow,
  isDeleted,
  mayReplace,
  OWNER,
  type Row,
  rowKey,
  type TableSchema,
} from './table-schema.ts';

/** Rows of one table, deleted ones included. */
const MOST_ROWS = 100_000;
/** Bytes of one row as it travels. */
const LARGEST_ROW = 64 * 1024;
/** Bytes of all rows of one table as they travel. */
const LARGEST_TABLE = 64 * 2 ** 20;

/** A row, deleted or not. */
export interface SyncedRow {
  readonly key: string;
  /** When it was changed, in seconds since the epoch. */
  readonly time: number;
  readonly row: Row;
}

/** Who brings a row: this program itself, the server that a client trusts with all rows, or a user of a server. */
export type RowSender = 'self' | 'server' | { readonly user: string | undefined };

/** One table in memory. Both sides of an exchange come to the same rows, whatever the order in which rows come. */
export class SyncedTable {
  private current: TableSchema;
  private readonly rows = new Map<string, SyncedRow>();
  private bytes = 0;
  /** Absent until somebody asks for it, and after each change: it reads all rows. */
  private hash: string | undefined;

  /** @throws CairnError `invalid` if it is no schema */
  constructor(schema: TableSchema) {
    this.current = checkSchema(schema);
  }

  get schema(): TableSchema {
    return this.current;
  }

  get size(): number {
    return this.rows.size;
  }

  /** Takes a newer schema over. @throws CairnError `conflict` if it is not one that only adds columns */
  adopt(schema: TableSchema): void {
    if (encodeSame(schema, this.current) || schema.version < this.current.version) return;
    if (!mayReplace(checkSchema(schema), this.current)) {
      throw new CairnError('conflict', `table ${schema.table}: its schema differs on the other side`);
    }
    this.current = schema;
    this.hash = undefined;
  }

  get(key: string): SyncedRow | undefined {
    return this.rows.get(key);
  }

  /** All rows, deleted ones included, in the order of their keys. */
  all(): readonly SyncedRow[] {
    return [...this.rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Rows that are not deleted. */
  live(): readonly Row[] {
    return this.all().flatMap(({ row }) => (isDeleted(this.current, row) ? [] : [row]));
  }

  /**
   * Writes a row, or deletes one: then all its columns beside the key are null.
   * @param time in seconds since the epoch
   * @returns whether it took the place of what was there
   * @throws CairnError `too-large`; `invalid` if the time is not valid
   */
  put(row: Row, time: number, sender: RowSender = 'self'): boolean {
    const schema = this.current;
    const text = encodeRow(schema, row);
    if (!Number.isSafeInteger(time) || time < 0)
      throw new CairnError('invalid', `table ${schema.table}: a time is invalid`);
    const size = Buffer.byteLength(text);
    if (size > LARGEST_ROW) throw new CairnError('too-large', `table ${schema.table}: a row is too large`);
    const key = rowKey(schema, row);
    const here = this.rows.get(key);
    if (!this.mayWrite(row, here, sender)) return false;
    const hereText = here === undefined ? '' : encodeRow(schema, here.row);
    if (here !== undefined && !isNewer(time, text, here.time, hereText)) return false;
    if (here === undefined && this.rows.size >= MOST_ROWS) {
      throw new CairnError('too-large', `table ${schema.table} has at most ${MOST_ROWS} rows`);
    }
    const bytes = this.bytes + size - Buffer.byteLength(hereText);
    if (bytes > Math.max(LARGEST_TABLE, this.bytes)) {
      throw new CairnError('too-large', `table ${schema.table} has at most ${LARGEST_TABLE} bytes`);
    }
    this.bytes = bytes;
    this.hash = undefined;
    this.rows.set(key, { key, time, row });
    return true;
  }

  /** Deletes the row with this key. */
  delete(key: Row, time: number, sender: RowSender = 'self'): boolean {
    return this.put(
      Object.fromEntries(this.current.key.map((column) => [column, key[column] ?? null])),
      time,
      sender,
    );
  }

  /** One hash of everything: two sides with the same one have nothing to exchange. */
  catalogueHash(): string {
    this.hash ??= this.newHash();
    return this.hash;
  }

  private newHash(): string {
    const sum = createHash('sha1');
    for (const { key, time, row } of this.all())
      sum.update(`${key} ${time} ${encodeRow(this.current, row)}\n`);
    return sum.digest('hex');
  }

  private mayWrite(row: Row, here: SyncedRow | undefined, sender: RowSender): boolean {
    const { rule } = this.current;
    if (rule === 'newest' || sender === 'self') return true;
    const before = here?.row[OWNER] ?? null;
    const owner = isDeleted(this.current, row) ? before : (row[OWNER] ?? null);
    if (rule === 'owner-write' && before !== null && owner !== before) return false;
    return rule === 'owner-write' || sender === 'server' || owner === (sender.user ?? null);
  }
}

function isNewer(time: number, text: string, hereTime: number, hereText: string): boolean {
  return time !== hereTime ? time > hereTime : text > hereText;
}

function encodeSame(one: TableSchema, other: TableSchema): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
