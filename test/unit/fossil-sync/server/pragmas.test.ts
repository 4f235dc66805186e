import { describe, expect, it } from 'vitest';
import type { ArtifactName } from '../../../../src/fossil/artifact-name.ts';
import type { Card } from '../../../../src/fossil/cards.ts';
import { writeStructuralArtifact } from '../../../../src/fossil/structural-artifact.ts';
import { readAll } from '../../../../src/lib/streams.ts';
import { checkInLocksKey } from '../../../../src/repository/keys.ts';
import { READER, WRITER } from '../../../helpers/fossil-host.ts';
import { cardsOf, errorOf, pragmasOf } from '../../../helpers/fossil-requests.ts';
import { checkIn, FOSSIL_ID, type FossilRig, whole } from '../../../helpers/fossil-rig.ts';
import { startRounds } from '../../../helpers/fossil-rounds.ts';

const pragma = (name: string, ...args: string[]): Card => ({ card: 'pragma', name, args });

const first = checkIn('first');

/** The locks in the store. */
async function lockedIn(rig: FossilRig): Promise<unknown[]> {
  const found = await rig.store.get(checkInLocksKey(FOSSIL_ID));
  if (!found.found) return [];
  return JSON.parse((await readAll(found.body, 2 ** 20)).toString()).locks;
}

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

  it('is taken on the tip of a branch that was merged into another one, as by stock Fossil', async () => {
    const branch = whole(
      writeStructuralArtifact(`C b\nD 2026-01-01T00:00:01\nP ${first.name}\nT *branch * b\nU bob\n`),
    );
    const merge = checkIn('merge', [first, branch]);
    const { rig, requests } = await startRounds([first, branch, merge]);
    const fails = async (parent: ArtifactName, client: string, user: string) => {
      const lock = pragma('ci-lock', parent, client);
      return pragmasOf(await requests.send([requests.pull, lock], { user }), 'ci-lock-fail').length;
    };
    const twice = async ({ name }: { readonly name: ArtifactName }) => {
      return [await fails(name, 'one', 'alice'), await fails(name, 'two', 'bob')];
    };
    expect([await twice(first), await twice(branch), await twice(merge)]).toEqual([
      [0, 0],
      [0, 1],
      [0, 1],
    ]);
    expect((await rig.bag()).isLeaf(first.name)).toBe(false);
  });

  it('warns whichever server answers, and ends on all of them', async () => {
    const { rig, requests, with: another } = await startRounds([first]);
    const other = another({ clock: rig.clock }, rig.another(2));
    const lock = pragma('ci-lock', first.name, 'one');
    await requests.send([requests.pull, lock], { user: 'alice' });
    const fails = async () =>
      pragmasOf(
        await other.send([other.pull, pragma('ci-lock', first.name, 'two')], { user: 'bob' }),
        'ci-lock-fail',
      );
    expect(await fails()).toHaveLength(1);
    await requests.send([pragma('ci-unlock', 'one')], { user: 'alice' });
    expect(await fails()).toEqual([]);
    const again = await requests.send([requests.pull, lock], { user: 'alice' });
    expect(pragmasOf(again, 'ci-lock-fail')).toHaveLength(1);
  });

  it('takes one request of a server that knows the record, and none to release it with the check-in', async () => {
    const { rig, requests } = await startRounds([first]);
    const take = () => requests.send([pragma('ci-lock', first.name, 'one')], { user: 'alice' });
    const locks = () =>
      rig.store.log.filter(({ key }) => key.endsWith('/check-in-locks')).map(({ operation }) => operation);
    await take();
    rig.store.reset();
    await take();
    expect(locks()).toEqual(['put']);
    rig.store.reset();
    await rig.push([checkIn('second', [first])]);
    await requests.send([pragma('ci-unlock', 'one')], { user: 'alice' });
    expect(locks()).toEqual([]);
  });

  it('refuses nothing when the store fails', async () => {
    const problems: unknown[] = [];
    const { rig, requests } = await startRounds([first], {
      observer: { error: (error) => problems.push(error) },
    });
    rig.store.next(({ key }) => key.endsWith('/check-in-locks'), { does: 'unavailable' }, 100);
    const reply = await requests.send([requests.pull, pragma('ci-lock', first.name, 'one')], {
      user: 'alice',
    });
    expect(errorOf(reply)).toBeUndefined();
    expect(problems).toHaveLength(1);
  });

  it('is refused to clients that may not write, and for unknown check-ins', async () => {
    const file = whole('a file');
    const { rig, requests } = await startRounds([first, file, checkIn('secret', [], true)], {
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
    expect(await rig.store.get(checkInLocksKey(FOSSIL_ID))).toMatchObject({ found: false });
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

  it('is taken for few of many that one request asks for', async () => {
    const all = Array.from({ length: 60 }, (_, at) => checkIn(`root ${at}`));
    const { rig, requests } = await startRounds(all);
    const wanted = all.map(({ name }, at) => pragma('ci-lock', name, `c${at}`));
    rig.store.reset();
    const reply = await requests.send([requests.pull, ...wanted], { user: 'alice' });
    expect(errorOf(reply)).toBeUndefined();
    expect(rig.store.log.filter(({ key }) => key.endsWith('/check-in-locks')).length).toBe(2);
    expect(await lockedIn(rig)).toHaveLength(20);
  });

  it('takes little room however many users ask', async () => {
    const all = Array.from({ length: 240 }, (_, at) => checkIn(`root ${at}`));
    const users = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`u${at}`, WRITER]));
    const { rig, requests } = await startRounds(all, { users });
    for (let at = 0; at < 240; at += 20) {
      const wanted = all.slice(at, at + 20).map(({ name }) => pragma('ci-lock', name, `c${at}`));
      await requests.send([requests.pull, ...wanted], { user: `u${at / 20}` });
    }
    expect(await lockedIn(rig)).toHaveLength(200);
    const wanted = all.slice(0, 20).map(({ name }) => pragma('ci-lock', name, 'x'.repeat(201)));
    await requests.send([requests.pull, ...wanted], { user: 'u0' });
    expect(JSON.stringify(await lockedIn(rig)).includes('xxx'), 'a long name gets no lock').toBe(false);
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
