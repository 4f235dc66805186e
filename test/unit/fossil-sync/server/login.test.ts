import { describe, expect, it } from 'vitest';
import type { Card } from '../../../../src/fossil/cards.ts';
import { loginCard, loginSecret } from '../../../../src/fossil/login.ts';
import { writeCards } from '../../../../src/fossil/write-cards.ts';
import type { RequestEnd } from '../../../../src/fossil-sync/observer.ts';
import { PASSWORD } from '../../../helpers/fossil-host.ts';
import { cardsOf, errorOf } from '../../../helpers/fossil-requests.ts';
import { whole } from '../../../helpers/fossil-rig.ts';
import { startRounds } from '../../../helpers/fossil-rounds.ts';

const CLOSED = { anonymous: { read: false, write: false, privateArtifacts: false, unversioned: false } };

async function closed() {
  const rounds = await startRounds([whole('content')], CLOSED);
  const { requests } = rounds;
  const message = writeCards([requests.pull]);
  const card = (password = PASSWORD, bytes: Uint8Array = message, user = 'alice') =>
    loginCard(user, loginSecret(requests.projectCode, user, password), bytes);
  const login = (...args: Parameters<typeof card>) => writeCards([card(...args)]);
  const send = (...parts: Uint8Array[]) => requests.sendBytes(Buffer.concat(parts));
  return { ...rounds, message, card, login, send };
}

describe('a login (issue 14, deliverable 3)', () => {
  it('signs the bytes that follow it, and fails with another request', async () => {
    const { requests, message, login, send } = await closed();
    expect(cardsOf(await send(login(), message), 'igot').length).toBe(1);
    const other = writeCards([requests.pull, { card: 'comment', text: 'another request' }]);
    expect(errorOf(await send(login(), other))).toBe('login failed');
    expect(errorOf(await send(login(), message, Buffer.from('\n')))).toBe('login failed');
  });

  it('fails with the same words for a wrong password and an unknown user', async () => {
    const { message, login, send } = await closed();
    const [wrong, unknown] = [
      await send(login('guess'), message),
      await send(login(PASSWORD, message, 'mallory'), message),
    ];
    expect(errorOf(wrong)).toBe('login failed');
    expect(wrong.text).toBe(unknown.text);
  });

  it('must come within the first hundred cards, so that looking for it is bounded', async () => {
    const { message, login, send } = await closed();
    const comments = Buffer.from('# nothing\n'.repeat(101));
    expect(errorOf(await send(comments, login(), message))).toBe('the login card must come first');
  });

  it('may follow pragmas, and then signs what follows it', async () => {
    const { message, login, send } = await closed();
    const pragma = Buffer.from('pragma client-version 22100 20230226 192424\n');
    expect(cardsOf(await send(pragma, login(), message), 'igot').length).toBe(1);
  });

  it('is refused after other cards, or if it is there twice, and nothing is stored', async () => {
    const { rig, requests, login, send } = await closed();
    const artifact = whole('pushed');
    const file: Card = { card: 'file', name: artifact.name, payload: artifact.payload, isPrivate: false };
    const rest = writeCards([requests.push, file]);
    const twice = Buffer.concat([login(PASSWORD, rest), rest]);
    expect(errorOf(await send(login(PASSWORD, twice), twice))).toContain('multiple login cards');
    expect(errorOf(await send(rest, login(PASSWORD, Buffer.of())))).toBe('the login card must come first');
    expect((await rig.bag()).count).toBe(1);
  });

  it('may come in the cookie of newer clients, and then signs the whole message', async () => {
    const { requests, message, card } = await closed();
    const { user, nonce, signature } = card();
    const cookie = `a=b; x-f-l-c=login+${user}+${nonce}+${signature}`;
    expect(cardsOf(await requests.sendBytes(message, { cookie }), 'igot').length).toBe(1);
    expect(errorOf(await requests.sendBytes(Buffer.concat([message, Buffer.from('\n')]), { cookie }))).toBe(
      'login failed',
    );
    expect(errorOf(await requests.sendBytes(message, { cookie: `${cookie}; ${cookie}` }))).toBe(
      'multiple login cards',
    );
  });

  it('is refused if it is in the cookie and in the body', async () => {
    const { requests, message, card, login } = await closed();
    const body = Buffer.concat([login(), message]);
    const { user, nonce, signature } = card(PASSWORD, body);
    const cookie = `x-f-l-c=login+${user}+${nonce}+${signature}`;
    expect(errorOf(await requests.sendBytes(body, { cookie }))).toBe('login failed');
  });

  it('as nobody or anonymous does not count as a login', async () => {
    const { requests } = await startRounds([whole('content')]);
    for (const user of ['nobody', 'anonymous']) {
      const reply = await requests.send([requests.pull], { user });
      expect(cardsOf(reply, 'igot').length, user).toBe(1);
    }
  });
});

describe('a client that may not read', () => {
  it('gets the same replies as for a missing repository', async () => {
    const { requests } = await closed();
    const clone: Card = { card: 'clone', version: 3, position: 1 };
    const reply = await requests.send([clone]);
    expect(reply.text.replace(/^# timestamp.*/m, '')).toMatch(
      /^pragma server-version [^\n]+\npush 5{40} [0-9a-f]{40}\nerror not\\sauthorized\\sto\\sclone\n\n?$/,
    );
    expect((await requests.send([clone, { card: 'pragma', name: 'uv-hash', args: ['x'] }])).text).toBe(
      reply.text,
    );
  });

  it('is observed without the name of the repository', async () => {
    const seen: RequestEnd[] = [];
    const { requests } = await startRounds([whole('content')], {
      ...CLOSED,
      observer: { requestCompleted: (request) => seen.push(request) },
    });
    await requests.send([requests.pull]);
    await requests.send([requests.pull], { user: 'alice' });
    expect(
      seen.map(({ operation, repository, user, error }) => [
        operation,
        repository === undefined,
        user,
        error,
      ]),
    ).toEqual([
      ['pull', true, undefined, 'not authorized to read'],
      ['pull', false, 'alice', undefined],
    ]);
  });
});
