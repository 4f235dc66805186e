/** Our words against those of the stock program: what it sends is read, and what we write is understood. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isNameOf } from '../../src/fossil/artifact-name.ts';
import type { Card } from '../../src/fossil/cards.ts';
import { type ContentType, contentTypeOf, decodeMessage, encodeMessage } from '../../src/fossil/framing.ts';
import { loginCard, loginSecret } from '../../src/fossil/login.ts';
import { pragmaCard } from '../../src/fossil/pragmas.ts';
import { readCards } from '../../src/fossil/read-cards.ts';
import { readable } from '../../src/fossil/tokens.ts';
import { writeCards } from '../../src/fossil/write-cards.ts';
import { FossilClient, noFossil } from '../helpers/fossil.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let folder: TempDir;
let client: FossilClient;
let repository: string;
let project: string;

beforeAll(async () => {
  folder = await tempDir();
  client = new FossilClient(folder.path);
  if (noFossil !== undefined) return;
  repository = await client.init('demo');
  await client.commit('demo', 'first', { 'a.txt': 'a\n'.repeat(200), 'b.txt': 'b\n' });
  await client.commit('demo', 'second', { 'a.txt': `${'a\n'.repeat(200)}more\n` });
  await client.run(['user', 'password', 'alice', 'a pass/word', '-R', repository]);
  project = await client.projectCode(repository);
});

afterAll(async () => folder[Symbol.asyncDispose]());

describe('the stock server', () => {
  beforeEach((test) => test.skip(noFossil !== undefined, noFossil));

  it.each([
    'application/x-fossil',
    'application/x-fossil-debug',
    'application/x-fossil-uncompressed',
  ] as const)('understands a clone card in a body of %s, and its reply is parsed', async (type) => {
    const cards = await ask([version(), { card: 'clone', version: 3, position: 1 }], type);
    expect(cards[0]).toMatchObject({ card: 'pragma', name: 'server-version' });
    expect(cards.filter(({ card }) => card === 'cfile').length).toBeGreaterThan(4);
    expect(cards.slice(-3)).toEqual([
      { card: 'clone_seqno', position: 0 },
      { card: 'push', serverCode: expect.stringMatching(/^[0-9a-f]{40}$/), projectCode: project },
      { card: 'comment', text: expect.stringMatching(/^timestamp \S+ errors 0$/) },
    ]);
  });

  it('sends whole artifacts on request, and accepts a login of Cairn', async () => {
    const igots = (await ask([version(), pull()])).filter((card) => card.card === 'igot');
    expect(igots.length).toBeGreaterThan(4);
    const [wanted] = igots;
    if (wanted === undefined) throw new Error('no igot');
    const body = [version(), pull(), { card: 'gimme' as const, name: wanted.name }];
    const login = loginCard('alice', loginSecret(project, 'alice', 'a pass/word'), writeCards(body));
    const cards = await ask([login, ...body]);
    expect(texts(cards)).toEqual([]);
    const file = cards.find((card) => card.card === 'file');
    expect(file?.source === undefined && file !== undefined && isNameOf(wanted.name, file.payload)).toBe(
      true,
    );
  });

  it.each([
    [
      'a wrong password',
      () => loginCard('alice', loginSecret(project, 'alice', 'x'), writeCards([pull()])),
      'login failed',
    ],
    ['an unknown card', (): Card => ({ card: 'unknown', line: 'frob 1' }), 'bad command: frob 1'],
  ])('reports readable errors for %s', async (_, card, text) => {
    expect(texts(await ask([card(), pull()])).join()).toContain(text);
  });

  it('answers every reqconfig and unversioned card in a form that is parsed', async () => {
    await client.run(['uv', 'add', 'demo/b.txt', '--as', 'note.txt', '-R', repository]);
    const cards = await ask([
      version(),
      pull(),
      { card: 'reqconfig', name: '/all' },
      pragmaCard({ pragma: 'uv-hash', hash: 'd'.repeat(40) }),
      { card: 'uvgimme', name: 'note.txt' },
    ]);
    expect(cards.filter(({ card }) => card === 'unknown')).toEqual([]);
    expect(cards.some(({ card }) => card === 'config')).toBe(true);
    expect(cards.find((card) => card.card === 'uvigot')).toMatchObject({ name: 'note.txt', size: 2 });
    const file = cards.find((card) => card.card === 'uvfile');
    expect(file).toMatchObject({ name: 'note.txt', flags: 0 });
    expect(Buffer.from(file?.content ?? []).toString()).toBe('b\n');
  });
});

function version(): Card {
  return pragmaCard({ pragma: 'client-version', version: 22_100, date: '20230226', time: '192424' });
}

function pull(): Card {
  return { card: 'pull', serverCode: 'x', projectCode: project };
}

async function ask(cards: readonly Card[], type: ContentType = 'application/x-fossil'): Promise<Card[]> {
  const reply = await client.http(repository, type, await encodeMessage(type, writeCards(cards)));
  expect(reply.status).toBe('HTTP/1.0 200 OK');
  const replyType = contentTypeOf(reply.type);
  if (replyType === undefined) throw new Error(`a reply of type ${reply.type}`);
  return [...readCards(await decodeMessage(replyType, reply.body, 10_000_000))];
}

function texts(cards: readonly Card[]): string[] {
  return cards.flatMap((card) =>
    card.card === 'error' || card.card === 'message' ? [readable(card.text)] : [],
  );
}
