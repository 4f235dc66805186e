import { createHash } from 'node:crypto';
import type { Card, TableCard } from '../../fossil/cards.ts';
import { CairnError } from '../../lib/errors.ts';
import { type RowSender, type SyncedRow, SyncedTable } from './synced-table.ts';
import {
  decodeRow,
  decodeSchema,
  encodeRow,
  encodeSchema,
  isDeleted,
  rowKey,
  type TableSchema,
} from './table-schema.ts';

/** Asks whether the other side knows the extension, and compares a table. Stock servers ignore pragmas that they do not know. */
export const HASH_PRAGMA = 'xtable-hash';
/** Answers that it does, and the state of the table there: `same`, `differs`, or `none`. */
export const OK_PRAGMA = 'xtable-ok';

/** Tables of one side. */
const MOST_TABLES = 100;

/** Bytes of rows in one reply, unless the server says otherwise. */
const REPLY_BYTES = 5_000_000;

/** The tables of one side by name. */
export type Tables = Map<string, SyncedTable>;

/** Takes in the cards of the other side. */
export class TableReceiver {
  /** Keys that the other side has and that are wanted from it, by table. */
  readonly wanted = new Map<string, Set<string>>();
  /** What the other side has said of its rows: table → key → time. */
  readonly announced = new Map<string, Map<string, number>>();
  /** Whether rows of one second are wanted, too: they may differ, and which one wins does not depend on the side. */
  withTies = false;
  /** Rows that took the place of others. */
  received = 0;
  private readonly tables: Tables;
  private readonly sender: RowSender;

  constructor(tables: Tables, sender: RowSender) {
    this.tables = tables;
    this.sender = sender;
  }

  /** @throws CairnError `invalid`, `conflict` or `too-large`: what came before the card is kept */
  take(card: TableCard): void {
    switch (card.card) {
      case 'schema':
        this.takeSchema(decodeSchema(card.table, card.version, card.content));
        return;
      case 'xigot':
        this.takeAnnouncement(card.table, card.key, card.time);
        return;
      case 'xrow':
      case 'xdelete': {
        const table = this.table(card.table);
        const row = decodeRow(table.schema, card.content);
        if (
          rowKey(table.schema, row) !== card.key ||
          isDeleted(table.schema, row) !== (card.card === 'xdelete')
        ) {
          throw new CairnError('invalid', `table ${card.table}: a row does not match its card`);
        }
        if (table.put(row, card.time, this.sender)) this.received++;
        this.wanted.get(card.table)?.delete(card.key);
        return;
      }
      case 'xgimme':
        return;
    }
  }

  private takeSchema(schema: TableSchema): void {
    const here = this.tables.get(schema.table);
    if (here !== undefined) here.adopt(schema);
    else if (this.tables.size >= MOST_TABLES)
      throw new CairnError('too-large', `there are at most ${MOST_TABLES} tables`);
    else this.tables.set(schema.table, new SyncedTable(schema));
  }

  private takeAnnouncement(name: string, key: string, time: number): void {
    const table = this.table(name);
    const announced = this.announced.get(name) ?? new Map<string, number>();
    this.announced.set(name, announced.set(key, time));
    const here = table.get(key);
    if (here !== undefined && (this.withTies ? here.time > time : here.time >= time)) return;
    this.wanted.set(name, (this.wanted.get(name) ?? new Set()).add(key));
  }

  private table(name: string): SyncedTable {
    const table = this.tables.get(name);
    if (table === undefined) throw new CairnError('invalid', `table ${name.slice(0, 80)} has no schema here`);
    return table;
  }
}

/** The card of a schema. */
export function schemaCard(schema: TableSchema): Card {
  const content = encodeSchema(schema);
  const hash = createHash('sha1').update(content).digest('hex');
  return { card: 'schema', table: schema.table, version: schema.version, hash, time: 0, content };
}

/** The card of a row, deleted or not. */
export function rowCard(
  { schema }: SyncedTable,
  { key, time, row }: SyncedRow,
): Extract<TableCard, { readonly card: 'xrow' | 'xdelete' }> {
  const card = isDeleted(schema, row) ? 'xdelete' : 'xrow';
  return { card, table: schema.table, key, time, content: Buffer.from(encodeRow(schema, row)) };
}

/**
 * The server's side of one round: accepts rows and answers.
 * @param cards of the request; those that are not of the extension are ignored. At most one may compare a table
 * @param user who sent it; undefined for somebody who may not write, from whom nothing is taken
 * @param maxBytes of rows in the reply. At least one requested row is sent; the peer requests the others again
 * @returns cards of the reply: empty if the request is not about tables. Errors are `error` cards
 */
export function answerTables(
  tables: Tables,
  cards: readonly Card[],
  user: string | undefined,
  maxBytes: number = REPLY_BYTES,
): readonly Card[] {
  const receiver = new TableReceiver(tables, { user });
  const reply: Card[] = [];
  let bytes = 0;
  let compared = false;
  try {
    for (const card of cards) {
      if (card.card === 'pragma' && card.name === HASH_PRAGMA) {
        // A table may have a hundred thousand rows, all of which are announced.
        if (compared) throw new CairnError('invalid', 'a request compares at most one table');
        compared = true;
        for (const answer of answerHash(tables, card.args)) reply.push(answer);
      } else if (card.card === 'xgimme') {
        const table = tables.get(card.table);
        const row = table?.get(card.key);
        if (table === undefined || row === undefined || bytes >= maxBytes) continue;
        const sent = rowCard(table, row);
        bytes += sent.content.byteLength;
        reply.push(sent);
      } else if (isTableCard(card)) {
        if (user === undefined) throw new CairnError('forbidden', 'not authorized to write tables');
        receiver.take(card);
      }
    }
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    reply.push({ card: 'error', text: error.publicText });
  }
  return reply;
}

function answerHash(tables: Tables, [name = '', hash = '']: readonly string[]): Card[] {
  const table = tables.get(name);
  const standing = table === undefined ? 'none' : table.catalogueHash() === hash ? 'same' : 'differs';
  const ok: Card = { card: 'pragma', name: OK_PRAGMA, args: [name, standing] };
  if (table === undefined || standing === 'same') return [ok];
  const igots = table.all().map(({ key, time }): Card => ({ card: 'xigot', table: name, key, time }));
  return [ok, schemaCard(table.schema), ...igots];
}

/** Whether a card belongs to the extension. */
export function isTableCard(card: Card): card is TableCard {
  return ['schema', 'xigot', 'xgimme', 'xrow', 'xdelete'].includes(card.card);
}
