import { describe, expect, it } from 'vitest';
import type { Card } from '../../../../src/fossil/cards.ts';
import { CheckInLocks } from '../../../../src/fossil-sync/server/check-in-locks.ts';
import { READER, WRITER } from '../../../helpers/fossil-host.ts';
import { cardsOf, errorOf, pragmasOf } from '../../../helpers/fossil-requests.ts';
import { checkIn, whole } from '../../../helpers/fossil-rig.ts';
import { startRounds } from '../../../helpers/fossil-rounds.ts';

const pragma = (name: string, ...args: string[]): Card => ({ card: 'pragma', name, args });

const first = checkIn('first');

describe('the lock of a check-in (issue 14, deliverable 3)', () => {
  it('is taken, reported to others with its holder and time, renewed, and released by the same login only', async () => {
    const { rig, requests } = await startRounds([first]);
    const lock = (client: string, user: string) =>
      requests.send([requests.pull, pragma('ci-lock', first.name, client)], { user });
    const fails = async (client: string, user: string) => pragmasOf(await lock(client, user), 'ci-lock-fail');
    const since = Math.floor(rig.clock.now() / 1000);
    expect(await fails('one', 'alice')).toEqual([]);
    expect(await fails('one', 'alice')).toEqual([]);
    expect(await fails('two', 'bob')).toEqual([['alice', String(since)]]);
    await requests.send([pragma('ci-unlock', 'one')], { user: 'bob' });
    expect(await fails('two', 'bob')).toEqual([['alice', String(since)]]);
    await requests.send([pragma('ci-unlock', 'one')], { user: 'alice' });
    expect(await fails('two', 'bob')).toEqual([]);
    await rig.clock.sleep(61_000);
    expect(await fails('one', 'alice')).toEqual([]);
  });

  it('is refused to clients that may not write, and for unknown check-ins', async () => {
    const file = whole('a file');
    const locks = new CheckInLocks();
    const { requests } = await startRounds([first, file, checkIn('secret', [], true)], {
      locks,
      users: { alice: WRITER, carol: READER },
    });
    const absent = checkIn('absent').name;
    const secret = checkIn('secret', [], true).name;
    for (const [user, name] of [
      ['carol', first.name],
      ['alice', absent],
      ['alice', file.name],
      ['alice', secret],
    ] as const) {
      const reply = await requests.send([requests.pull, pragma('ci-lock', name, 'client')], { user });
      expect(errorOf(reply)).toBeUndefined();
    }
    await requests.send([requests.pull, pragma('ci-lock', first.name, 'client')]);
    expect(locks.size).toBe(0);
  });

  it('ends when somebody checks in on top', async () => {
    const { rig, requests } = await startRounds([first]);
    await requests.send([pragma('ci-lock', first.name, 'one')], { user: 'alice' });
    await rig.push([checkIn('second', [first])]);
    const reply = await requests.send([pragma('ci-lock', first.name, 'two')], { user: 'bob' });
    expect(pragmasOf(reply, 'ci-lock-fail')).toEqual([]);
  });

  it('comes with a request for whole manifests', async () => {
    const { requests } = await startRounds([first]);
    const reply = await requests.send([pragma('ci-lock', first.name, 'one')], { user: 'alice' });
    expect(pragmasOf(reply, 'avoid-delta-manifests')).toEqual([[]]);
  });

  it('takes little memory for many requests', () => {
    const locks = new CheckInLocks();
    for (let at = 0; at < 3_000; at++) {
      const name = first.name.replace(/^..../, String(1_000 + at)) as typeof first.name;
      locks.take('a/b', name, { client: `c${at}`, login: `u${at % 50}` }, 1);
    }
    expect(locks.size).toBeLessThanOrEqual(1_000);
    for (let at = 0; at < 12_000; at++) locks.take(`r/${at}`, first.name, { client: 'c', login: 'u' }, 2);
    expect(locks.size).toBeLessThanOrEqual(11_000);
  });
});

describe('a reply (issue 14, deliverable 3)', () => {
  it('is never empty: it begins with version 22600 and ends with the time', async () => {
    const { requests } = await startRounds();
    for (const message of [
      '',
      '# a comment\n',
      'pragma client-version 22900 20260801 0\n',
      'pragma unknown x\n',
    ]) {
      const reply = await requests.sendBytes(Buffer.from(message));
      expect(reply.text).toMatch(/^pragma server-version 22600 \S+ \S+\n# timestamp \S+ errors 0\n$/);
    }
  });

  it('has the content type of the request', async () => {
    const { requests } = await startRounds();
    for (const type of [
      'application/x-fossil',
      'application/x-fossil-debug',
      'application/x-fossil-uncompressed',
    ] as const) {
      expect((await requests.send([requests.pull], { type })).type).toBe(type);
    }
  });

  it('ignores pragmas that mean nothing to a server', async () => {
    const { requests } = await startRounds([whole('x')]);
    const plain = await requests.send([requests.pull]);
    const reply = await requests.send([
      requests.pull,
      pragma('client-url', 'https://example.org/'),
      pragma('req-links'),
      pragma('ci-lock', 'no-hash', 'x'),
    ]);
    expect(cardsOf(reply, 'igot')).toEqual(cardsOf(plain, 'igot'));
    expect(errorOf(reply)).toBeUndefined();
  });
});
