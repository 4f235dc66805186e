import { describe, expect, it } from 'vitest';
import type { Card } from '../../../src/fossil/cards.ts';
import { decodeMessage, encodeMessage } from '../../../src/fossil/framing.ts';
import { readCards } from '../../../src/fossil/read-cards.ts';
import { writeCards } from '../../../src/fossil/write-cards.ts';
import { InProcessTransport } from '../../../src/fossil-sync/in-process-transport.ts';
import { syncTables } from '../../../src/fossil-sync/table-sync/sync-tables.ts';
import { SyncedTable } from '../../../src/fossil-sync/table-sync/synced-table.ts';
import { answerTables, type Tables } from '../../../src/fossil-sync/table-sync/table-exchange.ts';
import type { ConflictRule, TableSchema } from '../../../src/fossil-sync/table-sync/table-schema.ts';
import { MockFossilServer } from '../../helpers/mock-fossil-server.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const CODE = 'c'.repeat(40);
const SEED = testSeed(14);
const schema = (rule: ConflictRule = 'newest', more: Partial<TableSchema> = {}): TableSchema => ({
  table: 'x_members',
  key: ['id'],
  columns: ['name', '_owner'],
  rule,
  version: 1,
  ...more,
});
const row = (id: number, name: string, owner: string | null = null) => ({ id, name, _owner: owner });
const tablesOf = (table: SyncedTable): Tables => new Map([[table.schema.table, table]]);

/** A peer in this process. */
function peer(tables: Tables, requests: (readonly Card[])[] = []) {
  return new InProcessTransport(async ({ type, body }) => {
    const cards = [...readCards(await decodeMessage(type, body, 2 ** 30), { tables: true })];
    requests.push(cards);
    const user = cards.flatMap((card) => (card.card === 'login' ? [card.user] : []))[0];
    return { type, body: await encodeMessage(type, writeCards(answerTables(tables, cards, user))) };
  });
}
const as = (user: string) => ({ account: { user, password: 'x' } });

describe('tables', () => {
  it('are synced in both directions with their deletions, and equal tables cost one round', async () => {
    const [here, there] = [new SyncedTable(schema()), new SyncedTable(schema())];
    here.put(row(1, 'ours'), 10);
    here.put(row(2, 'older'), 10);
    here.put(row(3, 'deleted there'), 10);
    there.put(row(2, 'newer'), 11);
    there.put(row(4, 'theirs'), 9);
    there.put(row(3, 'x'), 10);
    there.delete({ id: 3 }, 12);
    const requests: (readonly Card[])[] = [];
    const transport = peer(tablesOf(there), requests);
    const result = await syncTables(tablesOf(here), transport, CODE, as('alice'));
    expect(result).toEqual([{ table: 'x_members', sent: 1, received: 3 }]);
    expect(
      here
        .live()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['newer', 'ours', 'theirs']);
    expect(here.catalogueHash()).toBe(there.catalogueHash());
    requests.length = 0;
    await syncTables(tablesOf(here), transport, CODE, as('alice'));
    expect(requests).toHaveLength(1);
  });

  it('that the peer does not have come with their schema, which may grow', async () => {
    const [here, there] = [new SyncedTable(schema()), new Map() as Tables];
    here.put(row(1, 'first'), 10);
    await syncTables(tablesOf(here), peer(there), CODE, as('alice'));
    expect(there.get('x_members')?.live()).toEqual([row(1, 'first')]);
    here.adopt(schema('newest', { version: 2, columns: ['name', '_owner', 'mail'] }));
    here.put({ ...row(1, 'first'), mail: 'a@b' }, 11);
    await syncTables(tablesOf(here), peer(there), CODE, as('alice'));
    expect(there.get('x_members')?.live()).toEqual([{ ...row(1, 'first'), mail: 'a@b' }]);
    expect(() => here.adopt(schema('newest', { version: 3, columns: ['name'] }))).toThrow(
      'differs on the other side',
    );
  });

  it('with rows of the same second become equal on both sides', async () => {
    const [here, there] = [new SyncedTable(schema()), new SyncedTable(schema())];
    here.put(row(1, 'a'), 10);
    there.put(row(1, 'b'), 10);
    here.put(row(2, 'z'), 10);
    there.put(row(2, 'y'), 10);
    await syncTables(tablesOf(here), peer(tablesOf(there)), CODE, as('alice'));
    expect(here.live()).toEqual(there.live());
    expect(
      here
        .live()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['b', 'z']);
  });

  it('with the rule self-write accept rows from their owner only', async () => {
    const [here, there] = [new SyncedTable(schema('self-write')), new SyncedTable(schema('self-write'))];
    here.put(row(1, 'mine', 'alice'), 10);
    here.put(row(2, 'of another', 'bob'), 10);
    await syncTables(tablesOf(here), peer(tablesOf(there)), CODE, as('alice'));
    expect(there.live()).toEqual([row(1, 'mine', 'alice')]);
  });

  it('with the rule owner-write keep the owner of a row', async () => {
    const [here, there] = [new SyncedTable(schema('owner-write')), new SyncedTable(schema('owner-write'))];
    there.put(row(1, 'kept', 'bob'), 10);
    here.put(row(1, 'taken', 'alice'), 20);
    here.put(row(2, 'new', 'alice'), 20);
    await syncTables(tablesOf(here), peer(tablesOf(there)), CODE, as('alice'));
    expect(
      there
        .live()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['kept', 'new']);
  });

  it(`of three sides become equal after any changes (seed ${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    const hub = tablesOf(new SyncedTable(schema()));
    const sides = [0, 1].map(() => new SyncedTable(schema()));
    for (let step = 0; step < 200; step++) {
      const side = random.pick(sides);
      const id = random.below(30);
      if (random.below(4) === 0) side.delete({ id }, 100 + Math.floor(step / 5));
      else side.put(row(id, `value ${random.below(100)}`), 100 + Math.floor(step / 5));
      if (random.below(10) === 0) await syncTables(tablesOf(side), peer(hub), CODE, as('alice'));
    }
    for (const side of [...sides, ...sides]) await syncTables(tablesOf(side), peer(hub), CODE, as('alice'));
    expect(new Set([...sides, hub.get('x_members')].map((table) => table?.catalogueHash())).size).toBe(1);
  });
});

describe('a server', () => {
  it('without the extension gets nothing but pragmas, which it ignores', async () => {
    const here = new SyncedTable(schema());
    here.put(row(1, 'ours'), 10);
    const server = new MockFossilServer([[]]);
    expect(await syncTables(tablesOf(here), server, CODE)).toBeUndefined();
    expect(server.requests.map((cards) => cards.map(({ card }) => card))).toEqual([
      ['pragma', 'pragma', 'comment'],
    ]);
  });

  it.each<[string, Card, RegExp]>([
    [
      'a row of a table without a schema',
      { card: 'xrow', table: 'x_other', key: 'a', time: 1, content: Buffer.from('{}') },
      /no schema/,
    ],
    [
      'a row under the key of another',
      { card: 'xrow', table: 'x_members', key: 'a', time: 1, content: Buffer.from('{"id":1,"name":"x"}') },
      /does not match its card/,
    ],
    [
      'a deletion with values',
      { card: 'xdelete', table: 'x_members', key: '1', time: 1, content: Buffer.from('{"id":1,"name":"x"}') },
      /does not match its card/,
    ],
    [
      'what is no JSON',
      { card: 'xrow', table: 'x_members', key: 'a', time: 1, content: Buffer.from('{"id":') },
      /not JSON/,
    ],
    [
      'a column that is none',
      {
        card: 'xrow',
        table: 'x_members',
        key: 'a',
        time: 1,
        content: Buffer.from('{"__proto__":1,"more":2}'),
      },
      /not one of its columns/,
    ],
    [
      'a nested value',
      { card: 'xrow', table: 'x_members', key: 'a', time: 1, content: Buffer.from('{"id":[1]}') },
      /not one of its columns/,
    ],
    [
      'a table of the database',
      {
        card: 'schema',
        table: 'users',
        version: 1,
        hash: 'a',
        time: 0,
        content: Buffer.from('{"key":["id"],"columns":["a"],"rule":"newest"}'),
      },
      /its name is not/,
    ],
  ])('refuses %s', (_, card, message) => {
    const tables = tablesOf(new SyncedTable(schema()));
    const reply = answerTables(tables, [card], 'alice');
    expect(reply).toEqual([{ card: 'error', text: expect.stringMatching(message) }]);
    expect(tables.get('x_members')?.size).toBe(0);
  });

  it('accepts nothing from anonymous clients', () => {
    const content = Buffer.from('{"id":1,"name":"x"}');
    const reply = answerTables(
      new Map(),
      [{ card: 'xrow', table: 'x_a', key: 'a', time: 1, content }],
      undefined,
    );
    expect(reply).toEqual([{ card: 'error', text: 'not authorized to write tables' }]);
  });
});
