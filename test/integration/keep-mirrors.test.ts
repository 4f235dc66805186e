import { describe, expect, it } from 'vitest';
import { mirrorLeaseKey, mirrorShardKey, mirrorShards, mirrorsKey } from '../../src/repository/keys.ts';
import { LEASE_SECONDS } from '../../src/repository/records/lease.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { commit, MirrorRig, type MirrorServer, type Remote } from '../helpers/kept-mirror-rig.ts';
import { OWNER } from '../helpers/server.ts';

const MAIN = 'refs/heads/main';
const HOUR = 3_600;

async function mainOf(server: MirrorServer): Promise<string | undefined> {
  return (await server.repository.resolve())?.manifest.refs.get(MAIN);
}

function pullOf(remote: Remote, parts: object = {}) {
  const { address } = remote;
  return { name: 'upstream', direction: 'pull', refs: 'follow', address, every: 100, ...parts };
}

function pushTo(remote: Remote, parts: object = {}) {
  return { name: 'backup', direction: 'push', address: remote.address, every: 100, ...parts };
}

describe('a pull mirror (issue 13, point 4)', () => {
  it('follows its source on schedule, on one of two servers at a time', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server(), await rig.server()];
    const source = rig.remote('source');
    source.set(MAIN, commit(1));
    await one.kept.add(one.repository, pullOf(source), null);
    await rig.clock.advance(80);
    expect(await mainOf(two)).toBe(commit(1));
    for (let number = 2; number < 12; number++) {
      source.set(MAIN, commit(number));
      await rig.clock.advance(111);
      expect(await mainOf(two)).toBe(commit(number));
    }
    // Eleven intervals or a little more, by both servers together.
    expect(source.asked).toBeGreaterThanOrEqual(11);
    expect(source.asked).toBeLessThanOrEqual(14);
    expect([...one.ends, ...two.ends].filter((end) => end === 'changed')).toHaveLength(11);
    const { lag, condition } = await two.kept.show(two.repository, 'upstream');
    expect(condition).toBe('current');
    expect(lag).toBeLessThanOrEqual(111);
  });

  it('does not wait for a date that a wrong clock has set', async () => {
    const rig = new MirrorRig();
    const source = rig.remote('source');
    source.set(MAIN, commit(1));
    rig.clock.set(365 * 24 * HOUR);
    const one = await rig.server();
    await one.kept.add(one.repository, pullOf(source), null);
    await rig.clock.advance(1);
    source.set(MAIN, commit(2));
    // The clock is set right: once with a server that goes on, and once with one that starts anew.
    rig.clock.set(-365 * 24 * HOUR);
    await rig.clock.advance(200);
    expect(await mainOf(one)).toBe(commit(2));
    rig.clock.set(365 * 24 * HOUR);
    await rig.clock.advance(200);
    one.kill();
    rig.clock.set(-365 * 24 * HOUR);
    source.set(MAIN, commit(3));
    const two = await rig.server();
    await rig.clock.advance(200);
    expect(await mainOf(two)).toBe(commit(3));
    expect((await two.kept.show(two.repository, 'upstream')).due).toBeLessThan(rig.clock.seconds + 111);
  });

  it('in a namespace puts its refs below refs/mirrors, beside pushed ones', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    await server.publish(commit(7));
    const source = rig.remote('source');
    source.set(MAIN, commit(1));
    await server.kept.add(server.repository, pullOf(source, { refs: 'namespace' }), null);
    await rig.clock.advance(1);
    const manifest = (await server.repository.resolve())?.manifest;
    expect([...(manifest?.refs ?? [])]).toEqual([
      [MAIN, commit(7)],
      ['refs/mirrors/upstream/heads/main', commit(1)],
    ]);
    expect(manifest?.mirrors).toMatchObject([{ name: 'upstream', refs: 'namespace' }]);
  });

  it('continues on another server if its own is killed during a run', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server(), await rig.server()];
    const source = rig.remote('source');
    source.set(MAIN, commit(1));
    const open = source.close();
    await one.kept.add(one.repository, pullOf(source), null);
    await rig.clock.advance(1);
    expect(source.asked).toBe(1);
    one.kill();
    open();
    await rig.clock.advance(LEASE_SECONDS + 80);
    expect(await mainOf(two)).toBe(commit(1));
    expect(source.asked).toBe(2);
  });

  it('publishes nothing after its removal, even in a running run', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const source = rig.remote('source');
    source.set(MAIN, commit(1));
    const open = source.close();
    await server.kept.add(server.repository, pullOf(source), null);
    await rig.clock.advance(1);
    await server.kept.remove(server.repository, 'upstream', null);
    open();
    await rig.clock.advance(HOUR);
    expect(await mainOf(server)).toBeUndefined();
    expect((await server.repository.resolve())?.manifest.mirrors).toBeUndefined();
    expect(source.asked).toBe(1);
    const lease = await rig.store.get(mirrorLeaseKey(rig.id, 'upstream'));
    expect(lease.found).toBe(false);
  });

  it('ends with its repository, and does not return with another one of that name', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const source = rig.remote('source');
    await server.kept.add(server.repository, pullOf(source), null);
    await rig.clock.advance(1);
    const asked = source.asked;
    await server.publishState(({ mirrors: _, ...state }) => ({
      ...state,
      lifecycle: 'withdrawn',
      withdrawal: { id: 'e'.repeat(64), at: 1 },
    }));
    await server.publishState((state) => ({
      ...state,
      lifecycle: 'live',
      incarnation: '9'.repeat(32),
      generation: 1,
    }));
    await rig.clock.advance(HOUR);
    expect(source.asked).toBe(asked);
    expect(await server.kept.list(server.repository)).toEqual([]);
  });

  it('stops with the reason if its adder may not push any more', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const keeper = 'b'.repeat(64);
    const policy = {
      announcements: [],
      writers: [OWNER, keeper],
      protection: [],
      private: false,
      readers: [],
    };
    await server.publishState((state) => ({ ...state, policy }));
    const source = rig.remote('source');
    source.set(MAIN, commit(1));
    await server.kept.add(server.repository, pullOf(source), keeper);
    await rig.clock.advance(1);
    const asked = source.asked;
    await server.publishState((state) => ({ ...state, policy: { ...policy, writers: [OWNER] } }));
    await rig.clock.advance(120);
    expect(source.asked).toBe(asked);
    expect(await server.kept.show(server.repository, 'upstream')).toMatchObject({
      condition: 'failing',
      lastError: { kind: 'forbidden', text: expect.stringContaining('may not push') },
    });
  });
});

describe('a push mirror (issue 13, point 4)', () => {
  it('sends each publish soon, from any server', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server(), await rig.server()];
    const target = rig.remote('target');
    await one.kept.add(one.repository, pushTo(target, { every: HOUR }), null);
    await rig.clock.advance(80);
    await one.publish(commit(1));
    await rig.clock.advance(1);
    expect(target.refs.get(MAIN)).toBe(commit(1));
    await two.publish(commit(2));
    await rig.clock.advance(1);
    expect(target.refs.get(MAIN)).toBe(commit(2));
  });

  it('combines many publishes into one later state, and never sends an older one after a newer one', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const target = rig.remote('target');
    await server.kept.add(server.repository, pushTo(target), null);
    await rig.clock.advance(1);
    const open = target.close();
    const asked = target.asked;
    for (let number = 1; number <= 20; number++) {
      await server.publish(commit(number));
      await rig.clock.settle();
    }
    expect(target.asked).toBe(asked + 1);
    open();
    await rig.clock.advance(3);
    expect(target.history).toEqual([commit(1), commit(20)]);
    expect(target.asked).toBe(asked + 2);
  });

  it('tries an unreachable target again with pauses, shows its lag, and catches up in order', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server(), await rig.server()];
    const target = rig.remote('target');
    await one.kept.add(one.repository, pushTo(target, { every: HOUR }), null);
    await rig.clock.advance(80);
    await one.publish(commit(1));
    await rig.clock.advance(1);
    target.down = true;
    const asked = target.asked;
    for (let number = 2; number <= 20; number++) {
      await (number % 2 === 0 ? one : two).publish(commit(number));
      await rig.clock.advance(30);
    }
    // Ten minutes: after 30, 60, 120 and 240 seconds, and not at each publish.
    expect(target.asked - asked).toBeLessThanOrEqual(8);
    const view = await two.kept.show(two.repository, 'backup');
    expect(view).toMatchObject({ condition: 'failing', lastError: { text: 'the remote does not answer' } });
    expect(view.lag).toBeGreaterThan(500);
    expect(Math.max(one.scheduler.summary('push').lag, two.scheduler.summary('push').lag)).toBeGreaterThan(
      500,
    );
    expect(one.scheduler.summary('push').conditions.failing).toBe(1);
    target.down = false;
    await rig.clock.advance(HOUR * 1.5);
    expect(target.history).toEqual([commit(1), commit(20)]);
    expect(await two.kept.show(two.repository, 'backup')).toMatchObject({ condition: 'current', lag: 0 });
    expect(one.scheduler.summary('push').lag).toBe(0);
    expect(two.scheduler.summary('push').lag).toBe(0);
  });

  it('undoes nothing of a faster server after it has lost its lease', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server(), await rig.server()];
    const target = rig.remote('target');
    target.set(MAIN, commit(0));
    const open = target.close();
    await one.publish(commit(1));
    await one.kept.add(one.repository, pushTo(target), null);
    await rig.clock.advance(1);
    expect(target.asked).toBe(1);
    // The slow server cannot renew its lease, and the other one takes over with a newer state.
    rig.store.rules.push(({ key, operation }) =>
      key === mirrorLeaseKey(rig.id, 'backup') && operation === 'put' && target.asked === 1
        ? { does: 'unavailable' }
        : undefined,
    );
    await two.publish(commit(2));
    await rig.clock.advance(LEASE_SECONDS);
    rig.store.reset();
    target.gate = Promise.resolve();
    await rig.clock.advance(LEASE_SECONDS);
    expect(target.refs.get(MAIN)).toBe(commit(2));
    open();
    await rig.clock.advance(HOUR);
    expect(target.history).toEqual([commit(0), commit(2)]);
  });

  it('sends the publishes of a killed server', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server(), await rig.server()];
    const target = rig.remote('target');
    await one.kept.add(one.repository, pushTo(target), null);
    await rig.clock.advance(80);
    one.scheduler.published = () => undefined;
    await one.publish(commit(1));
    one.kill();
    await rig.clock.advance(120);
    expect(target.refs.get(MAIN)).toBe(commit(1));
    expect(await two.kept.show(two.repository, 'backup')).toMatchObject({ condition: 'current' });
  });

  it('sends soon what a server had published that was killed during the run (issue 13)', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server(), await rig.server()];
    const target = rig.remote('target');
    await one.kept.add(one.repository, pushTo(target, { every: 10 * HOUR }), null);
    await rig.clock.advance(80);
    const open = target.close();
    await one.publish(commit(1));
    await rig.clock.settle();
    one.kill();
    open();
    await rig.clock.advance(400);
    expect(target.refs.get(MAIN)).toBe(commit(1));
    expect(await two.kept.show(two.repository, 'backup')).toMatchObject({ condition: 'current', lag: 0 });
  });

  it('sends at the start of a server what was published before a crash (issue 13)', async () => {
    const rig = new MirrorRig();
    const one = await rig.server();
    const target = rig.remote('target');
    await one.kept.add(one.repository, pushTo(target, { every: 10 * HOUR }), null);
    await rig.clock.advance(80);
    one.scheduler.published = () => undefined;
    await one.publish(commit(1));
    one.kill();
    await rig.server();
    await rig.clock.advance(200);
    expect(target.refs.get(MAIN)).toBe(commit(1));
  });

  it('does not overwrite a filled target in its first run, and treats it as its own later', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    await server.publish(commit(1));
    const target = rig.remote('target');
    target.set('refs/heads/other', commit(9));
    await server.kept.add(server.repository, pushTo(target), null);
    await rig.clock.advance(1);
    expect([...target.refs]).toEqual([['refs/heads/other', commit(9)]]);
    expect(await server.kept.show(server.repository, 'backup')).toMatchObject({
      condition: 'failing',
      lastError: { kind: 'forbidden' },
    });
    target.set('refs/heads/other', undefined);
    await server.kept.run(server.repository, 'backup');
    await rig.clock.advance(1);
    expect([...target.refs]).toEqual([[MAIN, commit(1)]]);
    target.set('refs/heads/other', commit(9));
    await rig.clock.advance(120);
    expect([...target.refs]).toEqual([[MAIN, commit(1)]]);
  });

  it('keeps refs that only the target has if it does not prune', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const [pruned, kept] = [rig.remote('pruned'), rig.remote('kept')];
    for (const target of [pruned, kept]) target.set('refs/heads/other', commit(9));
    await server.publish(commit(1));
    await server.kept.add(server.repository, pushTo(pruned, { name: 'a', overwrite: true }), null);
    await server.kept.add(server.repository, pushTo(kept, { name: 'b', prune: false }), null);
    await rig.clock.advance(1);
    expect([...pruned.refs.keys()]).toEqual([MAIN]);
    expect([...kept.refs.keys()].sort()).toEqual([MAIN, 'refs/heads/other']);
  });
});

describe('managed mirrors (issue 13, point 4)', () => {
  it('can be paused, resumed and run at once, also from a server that does not run them', async () => {
    const rig = new MirrorRig();
    const [server, idle] = [await rig.server(), await rig.server({ starts: false })];
    const source = rig.remote('source');
    await server.kept.add(server.repository, pullOf(source, { every: 10 * HOUR }), null);
    await rig.clock.advance(1);
    expect(source.asked).toBe(1);
    await idle.kept.run(idle.repository, 'upstream');
    await rig.clock.advance(80);
    expect(source.asked).toBe(2);
    expect(await idle.kept.pause(idle.repository, 'upstream')).toMatchObject({
      condition: 'paused',
      due: null,
    });
    await rig.clock.advance(20 * HOUR);
    expect(source.asked).toBe(2);
    await expect(server.kept.run(server.repository, 'upstream')).rejects.toThrow('is paused');
    await idle.kept.resume(idle.repository, 'upstream');
    await rig.clock.advance(80);
    expect(source.asked).toBe(3);
  });

  it('run once more if they are requested during a run', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const source = rig.remote('source');
    const open = source.close();
    await server.kept.add(server.repository, pullOf(source, { every: 10 * HOUR }), null);
    await rig.clock.advance(1);
    await rig.clock.advance(1);
    await server.kept.run(server.repository, 'upstream');
    open();
    await rig.clock.advance(2);
    expect(source.asked).toBe(2);
  });

  it('get a credential that is stored encrypted, sent to their host only, and never shown', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const source = rig.remote('source');
    const credential = { kind: 'basic', username: 'me', password: 'hunter2-hunter2' };
    const view = await server.kept.add(server.repository, pullOf(source, { credential }), null);
    expect(view.hasCredential).toBe(true);
    expect(JSON.stringify([view, await server.kept.list(server.repository)])).not.toContain('hunter2');
    await rig.clock.advance(1);
    expect(source.shown).toEqual(credential);
    const record = await rig.store.get(mirrorsKey(rig.id));
    const text = record.found ? (await record.body.toArray()).join('') : '';
    expect(text).toContain('sealed');
    expect(text).not.toContain('hunter2');
    await server.kept.setCredential(server.repository, 'upstream', { kind: 'bearer', token: 'other' });
    await rig.clock.advance(1);
    expect(source.shown).toEqual({ kind: 'bearer', token: 'other' });
    expect(server.log.join('')).not.toContain('hunter2');
  });

  it('with credentials of another service key fail with advice, and continue after it was followed', async () => {
    const rig = new MirrorRig();
    const before = await rig.server();
    const source = rig.remote('source');
    const credential = { kind: 'bearer', token: 'secret' };
    await before.kept.add(before.repository, pullOf(source, { credential }), null);
    await rig.clock.advance(1);
    await before.scheduler.close();
    const moved = await rig.server({ key: '2'.repeat(64) });
    await rig.clock.advance(200);
    expect(await moved.kept.show(moved.repository, 'upstream')).toMatchObject({
      condition: 'failing',
      lastError: { kind: 'unauthenticated', text: expect.stringContaining('credential') },
    });
    const asked = source.asked;
    await moved.kept.setCredential(moved.repository, 'upstream', credential);
    await rig.clock.advance(1);
    expect(source.asked).toBe(asked + 1);
    expect(await moved.kept.show(moved.repository, 'upstream')).toMatchObject({ condition: 'current' });
  });

  it.each([
    ['the repository itself', { address: `https://here.example.org/git/${OWNER}/mirrored` }, 'itself'],
    [
      'a credential that others could read',
      { address: 'http://a.example.org/x', credential: { kind: 'bearer', token: 't' } },
      'https',
    ],
    ['a name that is taken', { name: 'upstream', refs: 'namespace' }, 'has a mirror "upstream"'],
    ['a second one to follow', { name: 'other' }, 'follows its mirror "upstream"'],
  ])('are refused: %s', async (_what, parts, reason) => {
    const rig = new MirrorRig();
    const server = await rig.server();
    await server.kept.add(server.repository, pullOf(rig.remote('source')), null);
    const wanted = pullOf(rig.remote('two'), { name: 'two', ...parts });
    await expect(server.kept.add(server.repository, wanted, null)).rejects.toThrow(reason);
    expect(await server.kept.list(server.repository)).toHaveLength(1);
  });

  it('that follow a source overwrite nothing unless requested, and need the owner for protected refs', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const maintainer = 'b'.repeat(64);
    const protection = [{ pattern: MAIN, rules: ['no-force-push'] }];
    const policy = {
      announcements: [],
      writers: [OWNER, maintainer],
      protection,
      private: false,
      readers: [],
    };
    await server.publishState((state) => ({ ...state, policy, refs: new Map([[MAIN, commit(1)]]) }));
    const wanted = pullOf(rig.remote('source'));
    await expect(server.kept.add(server.repository, wanted, OWNER)).rejects.toThrow('--overwrite');
    const whole = { ...wanted, overwrite: true };
    await expect(server.kept.add(server.repository, whole, maintainer)).rejects.toThrow('only its owner');
    await server.kept.add(server.repository, whole, OWNER);
  });

  it('that follow a source overwrite no push that comes while they are added', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server(), await rig.server()];
    const source = rig.remote('source');
    source.set(MAIN, commit(1));
    rig.store.next(({ key, operation }) => key.endsWith('/pointer') && operation === 'put', {
      does: 'run',
      before: () => two.publish(commit(7)),
    });
    await expect(one.kept.add(one.repository, pullOf(source), null)).rejects.toThrow('--overwrite');
    await rig.clock.advance(HOUR);
    expect(await mainOf(two)).toBe(commit(7));
    expect(source.asked).toBe(0);
    expect(await two.kept.list(two.repository)).toEqual([]);
  });

  it('send their credential to no other host if somebody changes their address in the bucket', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const [source, thief] = [rig.remote('source'), rig.remote('thief')];
    const credential = { kind: 'bearer', token: 'secret' };
    await server.kept.add(server.repository, pullOf(source, { credential }), null);
    await rig.clock.advance(1);
    await server.mirrorRecords.change(rig.id, (mirrors) =>
      mirrors.map((mirror) => ({ ...mirror, address: thief.address })),
    );
    await rig.clock.advance(120);
    expect(thief.asked).toBe(0);
    expect(await server.kept.show(server.repository, 'upstream')).toMatchObject({
      condition: 'failing',
      lastError: { kind: 'unauthenticated' },
    });
  });

  it('are not removed in place of another one with the same name', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server({ starts: false }), await rig.server({ starts: false })];
    await one.kept.add(one.repository, pullOf(rig.remote('first')), null);
    const second = rig.remote('second');
    second.set(MAIN, commit(2));
    rig.store.next(({ key, operation }) => key === mirrorsKey(rig.id) && operation === 'put', {
      does: 'run',
      before: async () => {
        await two.kept.remove(two.repository, 'upstream', null);
        await two.kept.add(two.repository, pullOf(second), null);
      },
    });
    // By another key: the same change at the same moment is one publish.
    await one.kept.remove(one.repository, 'upstream', OWNER);
    two.scheduler.start();
    await rig.clock.advance(80);
    expect(await mainOf(two)).toBe(commit(2));
    expect(await two.kept.show(two.repository, 'upstream')).toMatchObject({ condition: 'current' });
    await two.scheduler.close();
  });

  it('are not removed if they are added while none of that name is found', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server({ starts: false }), await rig.server({ starts: false })];
    let isRead = false;
    let isAdded = false;
    rig.store.rules.push(({ key, operation }) => {
      if (isAdded) return undefined;
      if (key === mirrorsKey(rig.id)) isRead = true;
      if (!isRead || !key.endsWith('/pointer') || operation !== 'get') return undefined;
      isAdded = true;
      const before = async () => {
        await two.kept.add(two.repository, pullOf(rig.remote('source')), null);
      };
      return { does: 'run', before };
    });
    await expect(one.kept.remove(one.repository, 'upstream', null)).rejects.toThrow('no mirror');
    expect(isAdded).toBe(true);
    expect((await two.repository.resolve())?.manifest.mirrors).toMatchObject([{ name: 'upstream' }]);
  });

  it('count a failure once if the store’s answer is lost', async () => {
    const rig = new MirrorRig();
    const server = await rig.server({ starts: false });
    const target = rig.remote('target');
    target.down = true;
    await server.kept.add(server.repository, pushTo(target), null);
    rig.store.next(({ key, operation }) => key === mirrorsKey(rig.id) && operation === 'put', {
      does: 'lose-reply-applied',
    });
    server.scheduler.start();
    await rig.clock.advance(5);
    expect(target.asked).toBe(1);
    expect(await server.progress('backup')).toMatchObject({ failures: 1 });
    await server.scheduler.close();
  });

  it('are limited per repository', async () => {
    const rig = new MirrorRig();
    const server = await rig.server({ starts: false });
    for (let number = 0; number < 16; number++) {
      await server.kept.add(
        server.repository,
        pushTo(rig.remote(`t${number}`), { name: `t${number}` }),
        null,
      );
    }
    const more = server.kept.add(server.repository, pushTo(rig.remote('more'), { name: 'more' }), null);
    await expect(more).rejects.toThrow('at most 16');
  });

  it('of one owner do not delay other owners, in any repositories', async () => {
    const rig = new MirrorRig();
    const server = await rig.server({ concurrency: 2, starts: false });
    const { createRepository } = await import('../../src/maintenance/administer.ts');
    const random = { hex: (count: number) => 'ab'.repeat(count), fraction: () => 0.5 };
    const second = server.repositories.get(repositoryId(OWNER, 'second'));
    const other = server.repositories.get(repositoryId('c'.repeat(64), 'other'));
    for (const one of [second, other]) {
      await createRepository(one, { objectFormat: 'sha1', head: MAIN, random });
    }
    const slow = Array.from({ length: 8 }, (_, number) => rig.remote(`slow${number}`));
    for (const [number, target] of slow.entries()) {
      target.close();
      const repository = number < 4 ? server.repository : second;
      await server.kept.add(repository, pushTo(target, { name: `t${number}` }), null);
    }
    const target = rig.remote('target');
    await server.kept.add(other, pushTo(target), null);
    server.scheduler.start();
    await rig.clock.advance(1);
    expect(target.asked).toBe(1);
    expect(slow.filter(({ asked }) => asked > 0)).toHaveLength(1);
    await server.scheduler.close();
  });

  it('end if their remote hardly sends data, and release their slot', async () => {
    const rig = new MirrorRig();
    const server = await rig.server({ concurrency: 1 });
    const [tarpit, target] = [rig.remote('tarpit'), rig.remote('target')];
    tarpit.close();
    await server.kept.add(server.repository, pullOf(tarpit), null);
    await rig.clock.advance(1);
    await server.kept.add(server.repository, pushTo(target), null);
    await rig.clock.advance(29 * 60);
    expect([tarpit.asked, target.asked]).toEqual([1, 0]);
    await rig.clock.advance(60);
    expect([tarpit.asked, target.asked]).toEqual([1, 1]);
    expect(await server.kept.show(server.repository, 'upstream')).toMatchObject({
      condition: 'failing',
      lastError: { kind: 'unavailable', text: expect.stringContaining('after 30 minutes') },
    });
    await server.scheduler.close();
  });
});

describe('mirror records after a crash (issue 13, point 4)', () => {
  it('without mirrors in the index are dropped after a while', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    rig.store.rules.push(({ key, operation }) =>
      key === mirrorsKey(rig.id) && operation === 'put' ? { does: 'unavailable' } : undefined,
    );
    const adding = server.kept.add(server.repository, pullOf(rig.remote('source')), null);
    await expect(adding).rejects.toMatchObject({ kind: 'unavailable' });
    rig.store.reset();
    expect(await indexed(rig)).toEqual(['mirrored']);
    await rig.clock.advance(2 * HOUR);
    expect(await indexed(rig)).toEqual([]);
  });

  it('without a mark in the manifest are completed by the first run', async () => {
    const rig = new MirrorRig();
    const [one, two] = [await rig.server({ starts: false }), await rig.server()];
    const source = rig.remote('source');
    source.set(MAIN, commit(1));
    // The crash comes before the publish.
    rig.store.next(({ key, operation }) => key.endsWith('/pointer') && operation === 'put', {
      does: 'run',
      before: async () => one.kill(),
      afterwards: { does: 'lose-reply-not-applied' },
    });
    one.kept.add(one.repository, pullOf(source), null).catch(() => undefined);
    await rig.clock.advance(80);
    expect((await two.repository.resolve())?.manifest.mirrors).toMatchObject([{ name: 'upstream' }]);
    expect(await mainOf(two)).toBe(commit(1));
  });

  it.each([
    { overwrite: false, main: commit(7), condition: 'failing' },
    { overwrite: true, main: commit(1), condition: 'current' },
  ])('without a mark, in a repository that got refs meanwhile: overwrite $overwrite', async (expected) => {
    const { overwrite, main, condition } = expected;
    const rig = new MirrorRig();
    const [one, two] = [await rig.server({ starts: false }), await rig.server({ starts: false })];
    const source = rig.remote('source');
    source.set(MAIN, commit(1));
    rig.store.next(({ key, operation }) => key.endsWith('/pointer') && operation === 'put', {
      does: 'run',
      before: async () => one.kill(),
      afterwards: { does: 'lose-reply-not-applied' },
    });
    one.kept.add(one.repository, pullOf(source, { overwrite }), null).catch(() => undefined);
    await rig.clock.settle();
    await two.publish(commit(7));
    two.scheduler.start();
    await rig.clock.advance(80);
    expect(await mainOf(two)).toBe(main);
    expect(await two.kept.show(two.repository, 'upstream')).toMatchObject({
      condition,
      lastError: overwrite ? null : { kind: 'conflict' },
    });
    await two.scheduler.close();
  });

  it('with a mark and nothing else can be removed', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const mirrors = [{ id: '1'.repeat(16), name: 'upstream', refs: 'follow' }] as const;
    await server.publishState((state) => ({ ...state, mirrors }));
    await server.kept.remove(server.repository, 'upstream', null);
    expect((await server.repository.resolve())?.manifest.mirrors).toBeUndefined();
    await expect(server.kept.remove(server.repository, 'upstream', null)).rejects.toThrow('no mirror');
  });

  it('of a removed mirror do not run, and the removal can be repeated', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    const source = rig.remote('source');
    await server.kept.add(server.repository, pullOf(source), null);
    await rig.clock.advance(1);
    const asked = source.asked;
    rig.store.rules.push(({ key, operation }) =>
      key.endsWith('/pointer') && operation === 'put' ? { does: 'conflict' } : undefined,
    );
    const removing = server.kept.remove(server.repository, 'upstream', null);
    const refused = expect(removing).rejects.toMatchObject({
      kind: expect.stringMatching(/busy|unavailable/),
    });
    await rig.clock.advance(120);
    await refused;
    rig.store.reset();
    await rig.clock.advance(HOUR);
    expect(source.asked).toBe(asked);
    await server.kept.remove(server.repository, 'upstream', null);
    expect(await server.kept.list(server.repository)).toEqual([]);
  });
});

describe('ten thousand repositories with mirrors (issue 13, point 4)', () => {
  it('that were withdrawn cost a few more reads, and then none (issue 13)', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    await server.kept.add(server.repository, pullOf(rig.remote('source')), null);
    await rig.clock.advance(80);
    await server.kept.remove(server.repository, 'upstream', null);
    await rig.clock.advance(80);
    const before = rig.store.log.length;
    for (let minute = 0; minute < 120; minute++) await rig.clock.advance(60);
    const gets = rig.store.log.slice(before).filter(({ operation }) => operation === 'get');
    expect(gets.filter(({ key }) => key === mirrorsKey(rig.id)).length).toBeLessThanOrEqual(8);
    const shard = mirrorShardKey(rig.id.identifierDigest.slice(0, 1));
    const looks = gets.filter(({ key }) => key === shard);
    expect(looks.length).toBeGreaterThan(90);
    // Read to write it without the entry, and once more because of that.
    expect(looks.filter(({ outcome }) => outcome === 'found').length).toBeLessThanOrEqual(3);
    expect(await indexed(rig)).toEqual([]);
  });

  it('that were removed lose what an import has fetched so far (issue 13)', async () => {
    const rig = new MirrorRig();
    const server = await rig.server();
    await server.kept.add(server.repository, pullOf(rig.remote('source'), { refs: 'namespace' }), null);
    const [mirror] = (await server.repository.resolve())?.manifest.mirrors ?? [];
    const folder = 'refs/cairn-mirror/import/';
    const names = [`${folder}${mirror?.id}/0123456789abcdef`, `${folder}fedcba9876543210`, MAIN];
    for (const [at, name] of names.entries()) await server.publish(commit(at + 1), name);
    await server.kept.remove(server.repository, 'upstream', null);
    const refs = (await server.repository.resolve())?.manifest.refs ?? new Map<string, string>();
    expect([...refs.keys()].sort()).toEqual(names.slice(1).sort());
  });

  it('cost 16 conditional requests per look, and no LIST', async () => {
    const rig = new MirrorRig();
    const server = await rig.server({ starts: false });
    await server.kept.add(server.repository, pullOf(rig.remote('source'), { every: 10 * HOUR }), null);
    const found = await rig.store.get(mirrorsKey(rig.id));
    const record = Buffer.concat(found.found ? await found.body.toArray() : []);
    const paused = Buffer.from(record.toString().replace('"paused":false', '"paused":true'));
    const shards = new Map(mirrorShards.map((shard) => [shard, [] as object[]]));
    for (let number = 0; number < 10_000; number++) {
      const id = repositoryId(OWNER, `repository-${number}`);
      const entry = { owner: id.owner, identifier: id.identifier, at: 0, changes: 0 };
      shards.get(id.identifierDigest.slice(0, 1))?.push(entry);
      await rig.store.put(mirrorsKey(id), paused, { mode: 'create' });
    }
    for (const [shard, repositories] of shards) {
      const body = Buffer.from(JSON.stringify({ version: 1, revision: 9, repositories }));
      await rig.store.put(mirrorShardKey(shard), body, { mode: 'overwrite' });
    }
    server.scheduler.start();
    const known = () => server.scheduler.summary('pull').conditions.paused;
    await expect.poll(known, { timeout: 120_000 }).toBe(10_000);
    await rig.clock.settle();
    const before = rig.store.log.length;
    await rig.clock.advance(76);
    const asked = rig.store.log.slice(before);
    expect(asked.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual(
      Array.from({ length: 16 }, () => 'get not-modified'),
    );
    expect(rig.store.log.some(({ operation }) => operation === 'list')).toBe(false);
    await server.scheduler.close();
  });
});

/** The identifiers in the index. */
async function indexed(rig: MirrorRig): Promise<string[]> {
  const names: string[] = [];
  for (const shard of mirrorShards) {
    const found = await rig.store.get(mirrorShardKey(shard));
    const text = found.found ? Buffer.concat(await found.body.toArray()).toString() : '{"repositories":[]}';
    const { repositories } = JSON.parse(text) as { repositories: { identifier: string }[] };
    names.push(...repositories.map(({ identifier }) => identifier));
  }
  return names;
}
