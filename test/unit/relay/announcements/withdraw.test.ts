import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../../../src/nostr/event.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import { formatRepositoryId } from '../../../../src/repository/repository-id.ts';
import { announcement, deletion, idOf, RelayRig, verified } from '../../../helpers/relay-rig.ts';
import { oid, packOf } from '../../../helpers/repository-rig.ts';
import { alice, bob, carol } from '../../nostr/authors.ts';

/** Gives a repository a branch, as a push would. */
async function push(rig: RelayRig): Promise<void> {
  await rig.repositories.repositories.get(idOf(alice)).publisher.join({
    since: 0,
    evaluate: async (state) => ({
      ...(state === undefined
        ? {}
        : {
            next: {
              ...state,
              refs: new Map([['refs/heads/main', oid('1')]]),
              packs: [packOf('a')],
              mirrors: [{ id: '1'.repeat(16), name: 'upstream', refs: 'namespace' }],
            },
            cause: { kind: 'push', actor: alice.publicKey, evidence: null, refs: ['refs/heads/main'] },
          }),
      result: undefined,
    }),
  });
}

describe('a deletion of an announcement', () => {
  it('is answered when no server shows the withdrawn events any more (issue 11, point 14)', async () => {
    const rig = new RelayRig({ settled: 2_500 });
    await rig.announce(announcement(alice, { at: 1_000 }));
    const waited = () => rig.clock.slept.filter((milliseconds) => milliseconds === 2_500).length;
    expect(waited(), 'what begins is hidden from nobody').toBe(0);
    expect(await rig.withdraw(deletion(alice, 2_000))).toEqual({ accepted: true, note: '' });
    expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe('withdrawn');
    expect(waited()).toBe(1);
    await rig.withdraw(deletion(carol, 3_000, 'nothing'));
    expect(waited(), 'nothing was withdrawn').toBe(1);
  });

  it('empties the repository and marks it as withdrawn', async () => {
    const rig = new RelayRig();
    const announced = announcement(alice, { at: 1_000, tags: [['private', 'true']] });
    await rig.announce(announced);
    await push(rig);
    const event = deletion(alice, 2_000);
    expect(await rig.withdraw(event)).toEqual({ accepted: true, note: '' });
    expect((await rig.manifest(idOf(alice)))?.mirrors).toBeUndefined();
    expect(await rig.manifest(idOf(alice))).toMatchObject({
      lifecycle: 'withdrawn',
      refs: new Map(),
      packs: [],
      appliedState: null,
      withdrawal: { id: event.id, at: 2_000 },
      policy: { private: true },
      causes: [{ kind: 'withdraw', actor: alice.publicKey, evidence: event.id, refs: ['refs/heads/main'] }],
    });
    expect(rig.events.all).toEqual([event]);
  });

  it('that was never announced here is answered so, and not stored, also for owners of others (issue 11, point 24)', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { at: 1_000 }));
    const event = alice.sign({
      kind: kinds.deletion,
      at: 2_000,
      tags: [['a', `30617:${alice.publicKey}:misspelt`]],
    });
    expect(await rig.withdraw(event)).toEqual({
      accepted: false,
      note: 'blocked: you have announced no repository "misspelt" here',
    });
    expect(rig.events.get(event.id)).toBeUndefined();
  });

  it('may name 500 events and addresses, and is refused with more', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { at: 1_000 }));
    const naming = (count: number) => {
      const names = Array.from({ length: count }, (_, number) => [
        'e',
        number.toString(16).padStart(64, '0'),
      ]);
      return alice.sign({ kind: kinds.deletion, at: 2_000, tags: names });
    };
    expect(await rig.withdraw(naming(501))).toEqual({
      accepted: false,
      note: 'invalid: a deletion may name 500 events and addresses: send several',
    });
    expect((await rig.withdraw(naming(500))).accepted).toBe(true);
  });

  it('blocks older announcements, and a newer one begins again', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { at: 1_000 }));
    await push(rig);
    const before = await rig.manifest(idOf(alice));
    await rig.withdraw(deletion(alice, 2_000));
    // A server that has not heard of the deletion: only the watermark stands in the way.
    const other = new RelayRig({ seed: 2 }, rig.repositories);
    expect(await other.announce(announcement(alice, { at: 2_000 }))).toMatchObject({
      accepted: false,
      note: expect.stringMatching(/^blocked: .*withdrawn/),
    });
    const again = announcement(alice, { at: 2_001, tags: [['object-format', 'sha256']] });
    expect(await other.announce(again)).toEqual({ accepted: true, note: '' });
    const after = await rig.manifest(idOf(alice));
    expect(after).toMatchObject({ lifecycle: 'live', objectFormat: 'sha256', refs: new Map(), packs: [] });
    expect(after?.incarnation).not.toBe(before?.incarnation);
    expect(after?.withdrawal?.at).toBe(2_000);
  });

  it('does nothing to a repository that was announced later', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { at: 1_000 }));
    expect((await rig.withdraw(deletion(alice, 999))).accepted).toBe(true);
    expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe('live');
  });

  it.each<[string, (older: NostrEvent, newest: NostrEvent) => string, string]>([
    ['the announcement in force', (_older, newest) => newest.id, 'withdrawn'],
    ['an older announcement', (older) => older.id, 'live'],
  ])('may name %s by its id', async (_what, id, left) => {
    const rig = new RelayRig();
    const [older, newest] = [announcement(alice, { at: 1_000 }), announcement(alice, { at: 2_000 })];
    await rig.announce(older);
    await rig.announce(newest);
    const event = alice.sign({ kind: kinds.deletion, at: 3_000, tags: [['e', id(older, newest)]] });
    await rig.withdraw(event);
    expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe(left);
  });

  it('names an announcement by its id whatever its date, and a sweep makes up for a stopped server', async () => {
    for (const failure of [undefined, new Error('no log')]) {
      const rig = new RelayRig();
      // Made after the request, as the clock of its author says.
      const announced = announcement(alice, { at: 1_000 });
      await rig.announce(announced);
      const event = alice.sign({ kind: kinds.deletion, at: 900, tags: [['e', announced.id]] });
      rig.events.failure = failure;
      if (failure === undefined) expect(await rig.withdraw(event)).toEqual({ accepted: true, note: '' });
      else await expect(rig.withdraw(event)).rejects.toThrow('no log');
      expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe('withdrawn');
      rig.events.failure = undefined;
      await rig.closures.sweep(new AbortController().signal);
      expect(rig.events.all).toEqual([event]);
      expect(await rig.announce(announcement(alice, { at: 1_001 }))).toEqual({ accepted: true, note: '' });
      expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe('live');
    }
  });

  it('by an id and dated before an earlier withdrawal keeps the watermark of that', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { at: 1_000 }));
    await rig.withdraw(deletion(alice, 2_000));
    const again = announcement(alice, { at: 3_000 });
    await rig.announce(again);
    const request = alice.sign({ kind: kinds.deletion, at: 1_500, tags: [['e', again.id]] });
    rig.events.failure = new Error('no log');
    await expect(rig.withdraw(request)).rejects.toThrow('no log');
    const left = await rig.manifest(idOf(alice));
    expect(left).toMatchObject({ lifecycle: 'withdrawn', withdrawal: { at: 2_000 } });
    // The sweep stores the request that did it, and not the earlier one again.
    rig.events.failure = undefined;
    await rig.closures.sweep(new AbortController().signal);
    expect(rig.events.all).toContainEqual(request);
    expect(rig.events.all).not.toContainEqual(again);
  });

  it('by another key does nothing', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice));
    const foreign = bob.sign({
      kind: kinds.deletion,
      at: 1_800_000_000,
      tags: [['a', `30617:${alice.publicKey}:project`]],
    });
    expect((await rig.withdraw(foreign)).accepted).toBe(false);
    expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe('live');
    expect(rig.events.all).not.toContainEqual(foreign);
  });

  it('that is repeated or newer only moves the watermark', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { at: 1_000 }));
    const event = deletion(alice, 2_000);
    await rig.withdraw(event);
    const depth = (await rig.manifest(idOf(alice)))?.depth;
    await rig.withdraw(event);
    expect((await rig.manifest(idOf(alice)))?.depth).toBe(depth);
    await rig.withdraw(deletion(alice, 3_000));
    await rig.withdraw(deletion(alice, 2_500));
    expect((await rig.manifest(idOf(alice)))?.withdrawal?.at).toBe(3_000);
  });

  it('can be sent again if the log fails', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { at: 1_000 }));
    const event = deletion(alice, 2_000);
    rig.events.failure = new Error('no log');
    await expect(rig.withdraw(event)).rejects.toThrow('no log');
    rig.events.failure = undefined;
    expect((await rig.withdraw(event)).accepted).toBe(true);
    expect(rig.events.all).toEqual([event]);
  });

  it('that a stopped server did not log is logged by the sweep of the next server', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { at: 1_000 }));
    const event = deletion(alice, 2_000);
    rig.events.failure = new Error('no log');
    await expect(rig.withdraw(event)).rejects.toThrow('no log');
    rig.events.failure = undefined;
    await rig.closures.sweep(new AbortController().signal);
    expect(rig.events.all).toEqual([event]);
  });

  it.each<[string, (theirs: NostrEvent) => NostrEvent]>([
    ['address', () => deletion(bob, 1_800_000_000)],
    ['id', ({ id }) => bob.sign({ kind: kinds.deletion, tags: [['e', id]] })],
  ])('by a maintainer removes the maintainers it named, by its %s', async (_how, request) => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    const theirs = announcement(bob, { as: 'elsewhere', maintainers: [carol] });
    await rig.announce(theirs);
    expect((await rig.withdraw(request(theirs))).accepted).toBe(true);
    expect((await rig.manifest(idOf(alice)))?.policy).toMatchObject({
      writers: [alice.publicKey, bob.publicKey],
    });
  });

  it('that would withdraw very many repositories is refused', async () => {
    const rig = new RelayRig();
    const tags = Array.from({ length: 17 }, (_, at) => ['a', `30617:${alice.publicKey}:r${at}`]);
    expect(await rig.withdraw(alice.sign({ kind: kinds.deletion, tags }))).toMatchObject({
      accepted: false,
      note: expect.stringMatching(/^invalid: /),
    });
  });
});

describe('a deletion of another event', () => {
  it('is stored if its target is stored', async () => {
    const rig = new RelayRig();
    const issue = carol.sign({ kind: kinds.issue });
    await rig.events.append([verified(issue)]);
    const event = carol.sign({ kind: kinds.deletion, tags: [['e', issue.id]] });
    expect((await rig.withdraw(event)).accepted).toBe(true);
    expect(rig.events.all).toEqual([event]);
  });

  it.each([
    ['that is not here', [['e', 'f'.repeat(64)]], /^blocked: /],
    ['that is no address', [['a', 'nonsense']], /^invalid: /],
    ['that is nothing', [], /^invalid: /],
  ])('with %s is not stored', async (_what, tags, note) => {
    const rig = new RelayRig();
    const verdict = await rig.withdraw(carol.sign({ kind: kinds.deletion, tags }));
    expect(verdict.accepted).toBe(false);
    expect(verdict.note).toMatch(note);
    expect(rig.events.all).toEqual([]);
  });

  it.each([
    ['by its id', (id: string) => [['e', id]], []],
    ['by its address', () => [['a', `30618:${bob.publicKey}:project`]], []],
    ["by the id of another's", () => [['e', 'a'.repeat(64)]], ['order']],
  ])('removes a waiting signed state %s', async (_how, tags, left) => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    const id = 'b'.repeat(64);
    rig.waiting.set(formatRepositoryId(idOf(alice)), [
      { id, author: bob.publicKey, at: 1_000 },
      { id: 'a'.repeat(64), author: alice.publicKey, at: 1_000 },
    ]);
    await rig.withdraw(bob.sign({ kind: kinds.deletion, at: 2_000, tags: tags(id) }));
    const waiting = rig.waiting.get(formatRepositoryId(idOf(alice))) ?? [];
    expect(waiting.map((signedState) => signedState.author)).toEqual(
      left.length === 0 ? [alice.publicKey] : [bob.publicKey, alice.publicKey],
    );
  });
});
