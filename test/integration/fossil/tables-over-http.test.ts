/** The table extension through the public handler and the client, over HTTP (issue 14, deliverable 6). */
import { afterEach, expect, it } from 'vitest';
import { MemoryBag } from '../../../src/fossil-sync/client/memory-bag.ts';
import { sync } from '../../../src/fossil-sync/client/sync.ts';
import { openHttpTransport } from '../../../src/fossil-sync/open-http-transport.ts';
import { SyncedTable } from '../../../src/fossil-sync/table-sync/synced-table.ts';
import type { Tables } from '../../../src/fossil-sync/table-sync/table-exchange.ts';
import { FossilClient, noFossil } from '../../helpers/fossil.ts';
import { PASSWORD, READER, WRITER } from '../../helpers/fossil-host.ts';
import { type FossilServers, startFossilServers } from '../../helpers/fossil-servers.ts';
import { serveStock } from '../../helpers/stock-fossil-server.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const CODE = 'c'.repeat(40);
const members = (...names: string[]): Tables => {
  const table = new SyncedTable({
    table: 'x_members',
    key: ['id'],
    columns: ['name'],
    rule: 'newest',
    version: 1,
  });
  for (const name of names) table.put({ id: name, name }, 10);
  return new Map([['x_members', table]]);
};
const namesOf = (tables: Tables) =>
  tables
    .get('x_members')
    ?.live()
    .map(({ name }) => name)
    .sort();

let servers: FossilServers | undefined;
afterEach(() => servers?.[Symbol.asyncDispose]());

async function start(tables?: Tables): Promise<FossilServers> {
  servers = await startFossilServers(
    { projectCode: CODE },
    { users: { alice: WRITER, reader: READER }, ...(tables === undefined ? {} : { tables }) },
  );
  return servers;
}

async function exchange(url: string, tables: Tables, user?: string, push = true) {
  await using server = openHttpTransport({ url });
  const account = user === undefined ? {} : { account: { user, password: PASSWORD } };
  return sync(new MemoryBag(CODE), server.transport, { ...account, push, tables });
}

it('tables of two peers become the same through a third one, in both directions', async () => {
  const [hub, one, other] = [members('hub'), members('one'), members('other')];
  const { url } = await start(hub);
  expect(await exchange(url, one, 'alice')).toMatchObject({
    tables: [{ table: 'x_members', sent: 1, received: 1 }],
  });
  await exchange(url, other, 'alice');
  expect((await exchange(url, one, 'alice')).tables).toEqual([{ table: 'x_members', sent: 0, received: 1 }]);
  for (const side of [hub, one, other]) expect(namesOf(side)).toEqual(['hub', 'one', 'other']);
});

it.each(['reader', undefined])('%s, who may not push, brings no rows', async (user) => {
  const hub = members('hub');
  const { url } = await start(hub);
  await expect(exchange(url, members('mine'), user)).rejects.toThrow(/not authorized to write tables/);
  expect(namesOf(hub)).toEqual(['hub']);
  const fresh = members();
  await exchange(url, fresh, user, false);
  expect(namesOf(fresh)).toEqual(['hub']);
});

it('the extension is off by default: a server without tables knows none of its cards', async () => {
  const { url } = await start();
  expect(await exchange(url, members('mine'), 'alice')).not.toHaveProperty('tables');
  const reply = await fetch(url, {
    method: 'POST',
    body: 'xgimme x_members a\n',
    headers: { 'content-type': 'application/x-fossil-debug' },
  });
  expect(await reply.text()).toContain('error bad\\scommand:');
});

it('a request cannot make the reply large: one comparison, and rows up to the size of a reply', async () => {
  const hub = members();
  const text = 'r'.repeat(60_000);
  for (let id = 0; id < 20; id++) hub.get('x_members')?.put({ id: `${id}`, name: `${id}${text}` }, 10);
  const { url } = await start(hub);
  const post = async (cards: string) => {
    const headers = { 'content-type': 'application/x-fossil-debug' };
    return (await fetch(url, { method: 'POST', body: cards, headers })).text();
  };
  const compare = `pragma xtable-hash x_members ${'0'.repeat(40)}\n`;
  expect(await post(compare + compare)).toContain('compares\\sat\\smost\\sone\\stable');
  const keys =
    hub
      .get('x_members')
      ?.all()
      .map(({ key }) => key) ?? [];
  const wanted = keys.flatMap((key) => Array.from({ length: 100 }, () => `xgimme x_members ${key}\n`));
  expect((await post(wanted.join(''))).length).toBeLessThan(5_200_000);
  const here = members();
  await exchange(url, here, undefined, false);
  expect(here.get('x_members')?.size).toBe(20);
});

it('a stock server is sent nothing of it but pragmas, and the sync goes on', async ({ skip }) => {
  skip(noFossil !== undefined, noFossil);
  await using folder = await tempDir('cairn-fossil-tables');
  const user = new FossilClient(folder.path);
  const repository = await user.init('project');
  await using server = await serveStock(user, repository);
  await using opened = openHttpTransport({ url: server.url });
  const bag = new MemoryBag(await user.projectCode(repository));
  const result = await sync(bag, opened.transport, { push: false, tables: members('mine') });
  expect(result).toMatchObject({ errors: [], filesReceived: 1 });
  expect(result).not.toHaveProperty('tables');
});
