import type { Card } from '../../fossil/cards.ts';
import { CairnError } from '../../lib/errors.ts';
import { ServerMessages } from '../client/server-messages.ts';
import type { SessionOptions } from '../client/sync-options.ts';
import { StalledError } from '../client/sync-result.ts';
import { Wire } from '../client/wire.ts';
import { observerOf, runWithin, type TableSyncEnd } from '../observer.ts';
import type { Transport } from '../transport.ts';
import type { SyncedTable } from './synced-table.ts';
import {
  HASH_PRAGMA,
  isTableCard,
  OK_PRAGMA,
  rowCard,
  schemaCard,
  TableReceiver,
  type Tables,
} from './table-exchange.ts';

/** What became of one table. */
export type TableSyncResult = TableSyncEnd;

export interface TableSyncOptions extends SessionOptions {
  /** Send rows; true if absent. */
  readonly push?: boolean;
  /** Fetch rows; true if absent. */
  readonly pull?: boolean;
}

/**
 * Brings tables here and at a peer to the same rows.
 * @param projectCode of both sides, for the login
 * @returns undefined if the other side does not know the extension: then it was sent nothing but pragmas that it ignores
 * @throws CairnError as a sync
 */
export async function syncTables(
  tables: Tables,
  transport: Transport,
  projectCode: string,
  options: TableSyncOptions = {},
): Promise<readonly TableSyncResult[] | undefined> {
  const observer = observerOf(options.observer);
  const results: TableSyncResult[] = [];
  for (const table of [...tables.values()]) {
    const { table: name } = table.schema;
    const within = observer.tableSyncStarted({ table: name, localRows: table.size });
    const exchange = new TableSession(
      tables,
      table,
      new Wire(transport, { ...options, tables: true }),
      projectCode,
      options,
    );
    const result = await runWithin(within, () => exchange.run());
    if (result === undefined) return undefined;
    observer.tableSyncCompleted(result);
    results.push(result);
  }
  return results;
}

/** The rounds about one table. */
class TableSession {
  private readonly table: SyncedTable;
  private readonly wire: Wire;
  private readonly projectCode: string;
  private readonly receiver: TableReceiver;
  private readonly words = new ServerMessages();
  /** What the peer said last of the table; undefined if it does not support tables. */
  private standing: string | undefined;
  private sent = 0;
  private readonly push: boolean;
  private readonly pull: boolean;

  constructor(
    tables: Tables,
    table: SyncedTable,
    wire: Wire,
    projectCode: string,
    { push = true, pull = true }: TableSyncOptions,
  ) {
    this.push = push;
    this.pull = pull;
    this.table = table;
    this.wire = wire;
    this.projectCode = projectCode;
    this.receiver = new TableReceiver(tables, 'server');
  }

  async run(): Promise<TableSyncResult | undefined> {
    // Rows of one second are the same, as a rule. Only if the tables still differ, those are compared as well.
    for (const withTies of [false, true]) {
      this.receiver.withTies = withTies;
      this.receiver.announced.delete(this.name);
      await this.round([
        { card: 'pragma', name: HASH_PRAGMA, args: [this.name, this.table.catalogueHash()] },
      ]);
      if (this.standing === undefined) return undefined;
      if (this.standing === 'same') break;
      await this.exchangeRows(withTies);
    }
    return { table: this.name, sent: this.sent, received: this.receiver.received };
  }

  private async exchangeRows(withTies: boolean): Promise<void> {
    const announced = this.receiver.announced.get(this.name);
    const mine = this.push ? this.table.all() : [];
    const rows = mine.filter(({ key, time }) => {
      const there = announced?.get(key);
      return there === undefined || time > there || (withTies && time === there);
    });
    let [at, idle] = [0, 0];
    do {
      const cards: Card[] = at === 0 && this.push ? [schemaCard(this.table.schema)] : [];
      const wanted = [...this.wanted].slice(0, this.wire.limits.gimmes);
      for (const key of wanted) cards.push({ card: 'xgimme', table: this.name, key });
      for (let bytes = 0; at < rows.length && bytes < this.wire.limits.sendBytes; at++) {
        const row = rows[at];
        if (row === undefined) break;
        cards.push(rowCard(this.table, row));
        bytes += JSON.stringify(row.row).length;
        this.sent++;
      }
      const before = this.wanted.size;
      await this.round(cards);
      idle = wanted.length > 0 && this.wanted.size === before ? idle + 1 : 0;
      if (idle >= this.wire.limits.idleRounds) {
        throw new StalledError(
          `the peer announces ${before} rows of ${this.name} and does not give them`,
          [],
          0,
        );
      }
    } while (at < rows.length || this.wanted.size > 0);
  }

  private get wanted(): ReadonlySet<string> {
    return (this.pull ? this.receiver.wanted.get(this.name) : undefined) ?? new Set();
  }

  private get name(): string {
    return this.table.schema.table;
  }

  private async round(cards: readonly Card[]): Promise<void> {
    const writer = this.wire.begin();
    for (const card of cards) writer.add(card);
    for (const card of await this.wire.exchange(writer, this.projectCode)) {
      if (card.card === 'pragma' && card.name === OK_PRAGMA) this.standing = card.args[1];
      else if (isTableCard(card)) {
        if (this.standing === undefined)
          throw new CairnError('corrupt', 'the server sent table rows that were not requested');
        this.receiver.take(card);
      } else this.words.read(card);
    }
    const refusal = this.words.takeRefusal();
    if (refusal !== undefined) throw refusal;
  }
}
