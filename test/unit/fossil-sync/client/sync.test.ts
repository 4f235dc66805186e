import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import type { ArtifactName } from '../../../../src/fossil/artifact-name.ts';
import type { Card } from '../../../../src/fossil/cards.ts';
import { loginSecret, verifyLogin } from '../../../../src/fossil/login.ts';
import { readCards } from '../../../../src/fossil/read-cards.ts';
import { MemoryBag } from '../../../../src/fossil-sync/client/memory-bag.ts';
import { sync } from '../../../../src/fossil-sync/client/sync.ts';
import { StalledError, SyncFailure } from '../../../../src/fossil-sync/client/sync-result.ts';
import type { RoundEnd, SessionEnd, Within } from '../../../../src/fossil-sync/observer.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import type { ReceivedArtifact } from '../../../../src/repository/fossil/prepared-artifacts.ts';
import { clusterOf, delta, lines, whole } from '../../../helpers/fossil-rig.ts';
import { InstantClock } from '../../../helpers/instant-clock.ts';
import { MockFossilServer } from '../../../helpers/mock-fossil-server.ts';

const CODE = 'c'.repeat(40);
const account = { user: 'alice', password: 'sesame' };

const igot = (name: ArtifactName): Card => ({ card: 'igot', name, isPrivate: false });
const gimme = (name: ArtifactName): Card => ({ card: 'gimme', name });
const file = ({ name, source, payload, isPrivate }: ReceivedArtifact): Card => ({
  card: 'file',
  name,
  ...(source === undefined ? {} : { source }),
  payload,
  isPrivate,
});
const many = (count: number, prefix = 'artifact') =>
  Array.from({ length: count }, (_, number) => whole(`${prefix} ${number}`));

async function bagOf(...artifacts: readonly ReceivedArtifact[]): Promise<MemoryBag> {
  const bag = new MemoryBag(CODE);
  await bag.take({ artifacts });
  return bag;
}
const kindsOf = (cards: readonly Card[] | undefined) => (cards ?? []).map(({ card }) => card);

describe('a request', () => {
  it('states its direction and account, and ends with a different comment each time', async () => {
    const bag = await bagOf();
    const server = new MockFossilServer([[]]);
    await sync(bag, server, { pull: false });
    await sync(bag, server, { push: false });
    await sync(bag, server);
    expect(server.requests.map(kindsOf)).toEqual([
      ['pragma', 'push', 'comment'],
      ['pragma', 'pull', 'comment'],
      ['pragma', 'pull', 'push', 'comment'],
    ]);
    expect(server.sent(1, 'pragma')[0]).toMatchObject({ name: 'client-version' });
    expect(server.sent(1, 'push')[0]).toMatchObject({ projectCode: CODE });
    expect(server.sent(1, 'comment')).not.toEqual(server.sent(2, 'comment'));
  });

  it('begins with a login that signs every byte after it', async () => {
    const server = new MockFossilServer([[]]);
    await sync(await bagOf(...many(3)), server, { account });
    const reader = readCards(server.messages[0] ?? Buffer.alloc(0));
    const login = reader.next();
    if (login?.card !== 'login') throw new Error('the login does not come first');
    expect(verifyLogin(login, reader.rest, loginSecret(CODE, 'alice', 'sesame'))).toBe(true);
    expect(verifyLogin(login, reader.rest, loginSecret(CODE, 'alice', 'other'))).toBe(false);
  });

  it('returns the cookie of the last reply, and takes the lock only in the first round', async () => {
    const [one = whole('one')] = many(1);
    const server = new MockFossilServer([
      [{ card: 'cookie', value: 'abc' }, igot(one.name)],
      [file(one), { card: 'pragma', name: 'ci-lock-fail', args: ['bob', '1700000000'] }],
    ]);
    const result = await sync(await bagOf(), server, {
      push: false,
      checkInLock: { parent: one.name, client: 'f'.repeat(40) },
      checkInUnlock: 'f'.repeat(40),
    });
    expect(server.sent(1, 'cookie')).toEqual([]);
    expect(server.sent(2, 'cookie')).toEqual([{ card: 'cookie', value: 'abc' }]);
    expect(server.sent(1, 'pragma').map(({ name }) => name)).toEqual([
      'client-version',
      'ci-lock',
      'ci-unlock',
    ]);
    expect(server.sent(2, 'pragma').map(({ name }) => name)).toEqual(['client-version']);
    expect(result.checkInLockFailure).toEqual({ heldBy: 'bob', since: 1_700_000_000 });
  });

  it('asks for 200 artifacts, then for twice as many as arrived', async () => {
    const announced = many(1_000);
    const byName = new Map(announced.map((artifact) => [artifact.name, artifact]));
    const server = new MockFossilServer((cards, exchange) => [
      ...(exchange === 1 ? announced.map(({ name }) => igot(name)) : []),
      ...cards.flatMap((card) => (card.card === 'gimme' ? [file(byName.get(card.name) ?? whole(''))] : [])),
    ]);
    const bag = await bagOf();
    const result = await sync(bag, server, { push: false });
    expect([2, 3, 4, 5].map((exchange) => server.sent(exchange, 'gimme').length)).toEqual([200, 400, 400, 0]);
    expect(result).toMatchObject({ filesReceived: 1_000, rounds: 4 });
    expect(bag.count).toBe(1_000);
  });

  it('announces clusters of clusters, and asks for the server’s clusters, in the third round', async () => {
    const members = many(2);
    const inner = clusterOf(members.map(({ name }) => name));
    const bag = await bagOf(...members, inner, clusterOf([inner.name]));
    const server = new MockFossilServer((_, exchange) =>
      exchange < 3 ? [gimme(members[exchange - 1]?.name ?? inner.name)] : [],
    );
    await sync(bag, server);
    const igots = (exchange: number) => server.sent(exchange, 'igot').map(({ name }) => name);
    expect(igots(1)).not.toContain(inner.name);
    expect(igots(3)).toContain(inner.name);
    expect(server.sent(3, 'pragma').map(({ name }) => name)).toContain('req-clusters');
  });
});

describe('a received artifact', () => {
  it('is verified: one that does not match its name ends the session, and its round is not kept', async () => {
    const [good = whole(''), bad = whole('')] = many(2);
    const server = new MockFossilServer([[file(good), file({ ...bad, payload: Buffer.from('other') })]]);
    const bag = await bagOf();
    await expect(sync(bag, server, { push: false })).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(bad.name),
    });
    expect(bag.count).toBe(0);
  });

  it('may be a delta whose source comes later, and the source is requested', async () => {
    const base = whole(lines(0, 50));
    const next = whole(lines(1, 50));
    const server = new MockFossilServer((cards) =>
      cards.some((card) => card.card === 'gimme' && card.name === base.name)
        ? [file(base)]
        : [file(delta(base, next))],
    );
    const bag = await bagOf();
    const result = await sync(bag, server, { push: false });
    expect(result).toMatchObject({ missing: [], filesReceived: 2 });
    expect(bag.find(next.name)?.size).toBe(next.payload.length);
  });

  it('is reported missing if a cluster names it and the server does not have it', async () => {
    const gone = whole('gone').name;
    const server = new MockFossilServer([[file(clusterOf([gone]))], []]);
    const result = await sync(await bagOf(), server, { push: false });
    expect(result.missing).toEqual([gone]);
    expect(server.requests).toHaveLength(4);
  });

  it('is missed if it was announced and does not come: the error names up to ten', async () => {
    const announced = many(15).map(({ name }) => name);
    const server = new MockFossilServer([announced.map(igot), []]);
    const failed = await sync(await bagOf(), server, { push: false }).catch((error: unknown) => error);
    if (!(failed instanceof SyncFailure)) throw new Error('it does not fail');
    expect(failed.cause).toBeInstanceOf(StalledError);
    expect(failed.kind).toBe('unavailable');
    expect(failed.result.missing).toHaveLength(10);
    expect(failed.message).toContain('and 5 more');
    expect(server.requests).toHaveLength(4);
  });

  it('does not prolong a session forever: the number of rounds is bounded', async () => {
    const server = new MockFossilServer((cards, exchange) => {
      const asked = cards.flatMap((card) => (card.card === 'gimme' ? [card.name] : []));
      const made = many(exchange, 'endless').filter(({ name }) => asked.includes(name));
      return [...made.map(file), igot(whole(`endless ${exchange - 1}`).name)];
    });
    const failed = sync(await bagOf(), server, { push: false, limits: { rounds: 7 } });
    await expect(failed).rejects.toThrow('after 7 rounds there is still something to exchange');
    expect(server.requests).toHaveLength(7);
  });

  it('is private only if private artifacts were requested', async () => {
    const secret = { ...whole('secret'), isPrivate: true };
    const server = new MockFossilServer([
      [{ card: 'igot', name: secret.name, isPrivate: true }, file(secret)],
      [],
    ]);
    const closed = await bagOf();
    await sync(closed, server, { push: false });
    expect(closed.count).toBe(0);
    const open = await bagOf();
    await sync(open, new MockFossilServer([[file(secret)], []]), { push: false, privateArtifacts: true });
    expect(open.find(secret.name)).toMatchObject({ isPrivate: true });
  });
});

describe('an artifact that the server asks for', () => {
  it('is announced again if the server asks again, so that a server that lost it twice asks a third time', async () => {
    const artifact = whole('lost on the way');
    const server = new MockFossilServer((_, exchange) => (exchange < 4 ? [gimme(artifact.name)] : []));
    await sync(await bagOf(artifact), server, { pull: false });
    expect([2, 3, 4].map((exchange) => server.sent(exchange, 'igot').length)).toEqual([1, 1, 1]);
    expect([2, 3, 4].map((exchange) => server.sent(exchange, 'file').length)).toEqual([1, 1, 1]);
  });

  it('is sent within a budget, at least one per round, and the rest in later rounds', async () => {
    const large = Array.from({ length: 5 }, (_, number) => whole(`${number}`.repeat(600)));
    const server = new MockFossilServer((_, exchange) =>
      exchange === 1 ? large.map(({ name }) => gimme(name)) : [],
    );
    const result = await sync(await bagOf(...large), server, { pull: false, limits: { sendBytes: 1_500 } });
    const sizes = [2, 3, 4].map((exchange) => server.sent(exchange, 'file').length);
    expect(sizes).toEqual([2, 2, 1]);
    expect(result).toMatchObject({ filesSent: 5, rounds: 4 });
  });

  it('is not sent if it is private, shunned or unknown', async () => {
    const secret = { ...whole('secret'), isPrivate: true };
    const shunned = whole('shunned');
    const bag = new MemoryBag(CODE, [shunned.name]);
    await bag.take({ artifacts: [secret, shunned, whole('open')] });
    const wishes = [secret.name, shunned.name, whole('unknown').name].map(gimme);
    const server = new MockFossilServer([wishes, []]);
    expect(await sync(bag, server, { pull: false })).toMatchObject({ filesSent: 0, rounds: 1 });
    const trusted = new MockFossilServer([wishes, []]);
    const result = await sync(bag, trusted, { pull: false, privateArtifacts: true });
    expect(result.filesSent).toBe(1);
    expect(trusted.sent(1, 'igot').find(({ name }) => name === secret.name)?.isPrivate).toBe(true);
    expect(trusted.sent(2, 'file')[0]).toMatchObject({ name: secret.name, isPrivate: true });
  });
});

describe('errors', () => {
  it.each([
    ['error bad\\scommand:\\sxyz\\n\n', 'invalid', 'bad command: xyz'],
    ['error in+uvfile+line%2C+2\n', 'invalid', 'in uvfile line, 2'],
    ['error login\\sfailed\n', 'unauthenticated', 'login failed'],
    ['error not\\sauthorized\\sto\\swrite\n', 'forbidden', 'not authorized to write'],
    ['error wrong\\sproject\n', 'conflict', 'wrong project'],
    ['error \u001b[31mred\\stext\n', 'invalid', 'red text'],
  ] as const)('of a server are shown readably: %j', async (reply, kind, text) => {
    const failed = sync(await bagOf(), new MockFossilServer([Buffer.from(reply)]));
    await expect(failed).rejects.toMatchObject({
      kind,
      message: `the server says: ${text}`,
      result: { errors: [text] },
    });
  });

  it('are kept once as messages, and a sync that may only pull continues', async () => {
    const [one = whole(''), other = whole('')] = many(2);
    const pullOnly: Card = { card: 'message', text: 'pull only - not authorized to push' };
    const server = new MockFossilServer([
      [pullOnly, igot(one.name)],
      [pullOnly, file(one)],
    ]);
    const result = await sync(await bagOf(other), server);
    expect(result).toMatchObject({ filesReceived: 1, errors: ['pull only - not authorized to push'] });
    expect(kindsOf(server.requests[1])).not.toContain('push');
  });

  it.each([
    ['a card that Fossil does not know', Buffer.from('nonsense 1 2\n'), /nonsense/],
    ['a payload that is cut short', Buffer.from(`file ${'a'.repeat(40)} 10\nabc`), /cannot be read/],
    ['upper-case names', Buffer.from(`igot ${'A'.repeat(40)}\n`), /cannot be read/],
  ])('in a reply with %s are reported, and the request is not repeated', async (_, reply, message) => {
    const server = new MockFossilServer([reply]);
    await expect(sync(await bagOf(), server)).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringMatching(message),
    });
    expect(server.requests).toHaveLength(1);
  });

  it('of the network cause the same request again, at most four times, with growing pauses', async () => {
    const lost = new CairnError('unavailable', 'the connection broke off');
    const clock = new InstantClock();
    const server = new MockFossilServer([lost, lost, new CairnError('busy', '503'), lost, []]);
    expect(await sync(await bagOf(), server, { clock })).toMatchObject({ rounds: 1 });
    expect(clock.slept).toEqual([250, 500, 1_000, 2_000]);
    expect(new Set(server.messages.map(String)).size).toBe(1);
    const dead = new MockFossilServer([lost]);
    await expect(sync(await bagOf(), dead, { clock })).rejects.toMatchObject({ kind: 'unavailable' });
    expect(dead.requests).toHaveLength(5);
  });

  it.each(['corrupt', 'forbidden', 'unauthenticated', 'invalid'] as const)(
    'of kind %s are not retried',
    async (kind) => {
      const server = new MockFossilServer([new CairnError(kind, 'no')]);
      await expect(sync(await bagOf(), server)).rejects.toMatchObject({ kind });
      expect(server.requests).toHaveLength(1);
    },
  );

  it('by an abort end a session between two rounds, and what arrived before stays', async () => {
    const [one = whole(''), other = whole('')] = many(2);
    const stop = new AbortController();
    const server = new MockFossilServer((_, exchange) => {
      stop.abort(new Error('enough'));
      return exchange === 1 ? [file(one), igot(other.name)] : [file(other)];
    });
    const bag = await bagOf();
    const ended: SessionEnd[] = [];
    const observer = { sessionCompleted: (end: SessionEnd) => void ended.push(end) };
    await expect(sync(bag, server, { signal: stop.signal, observer })).rejects.toThrow('enough');
    expect(bag.find(one.name)).toBeDefined();
    expect(server.requests).toHaveLength(1);
    expect(ended).toHaveLength(1);
  });
});

it('observers are told of the session and its rounds, and can run them inside a context', async () => {
  const storage = new AsyncLocalStorage<string>();
  const heard: string[] = [];
  const inside =
    (name: string): Within =>
    (work) =>
      storage.run(name, work);
  const [one = whole('')] = many(1);
  const server = new MockFossilServer((_, exchange) => {
    heard.push(`exchange in ${storage.getStore()}`);
    return exchange === 1 ? [igot(one.name)] : [file(one)];
  });
  const rounds: RoundEnd[] = [];
  await sync(await bagOf(), server, {
    push: false,
    peer: 'mock',
    progress: (round) => rounds.push(round),
    observer: {
      sessionStarted: ({ operation, peer }) => {
        heard.push(`${operation} with ${peer}`);
        return inside('session');
      },
      roundStarted: ({ round }) => inside(`round ${round}`),
      roundCompleted: ({ round }) => void heard.push(`end of ${round} in ${storage.getStore()}`),
      sessionCompleted: ({ rounds }) => void heard.push(`${rounds} rounds`),
    },
  });
  expect(heard).toEqual([
    'sync with mock',
    'exchange in round 1',
    'end of 1 in round 1',
    'exchange in round 2',
    'end of 2 in round 2',
    '2 rounds',
  ]);
  expect(rounds.map(({ gimmesSent, filesReceived }) => [gimmesSent, filesReceived])).toEqual([
    [0, 0],
    [1, 1],
  ]);
});
