import { describe, expect, it } from 'vitest';
import { CairnError } from '../../../../src/lib/errors.ts';
import { fossilUrl } from '../../../../src/nostr/repository-url.ts';
import { signedEventKey } from '../../../../src/repository/keys.ts';
import { announcement, BASE, deletion, idOf, RelayRig, verified } from '../../../helpers/relay-rig.ts';
import { alice, bob, carol, dave } from '../../nostr/authors.ts';

describe('an announcement', () => {
  it('that makes a repository private is answered when no server shows its events any more (issue 11, point 14)', async () => {
    const rig = new RelayRig({ settled: 2_500 });
    const waited = () => rig.clock.slept.filter((milliseconds) => milliseconds === 2_500).length;
    await rig.announce(announcement(alice, { at: 1_000 }));
    await rig.announce(announcement(bob, { at: 1_000, tags: [['private', 'true']] }));
    expect(waited(), 'nobody has seen anything of it').toBe(0);
    await rig.announce(announcement(alice, { at: 2_000, tags: [['private', 'true']] }));
    expect(waited()).toBe(1);
  });

  it('makes a live, empty repository with its policy', async () => {
    const rig = new RelayRig();
    const event = announcement(alice, {
      maintainers: [bob],
      tags: [
        ['protect', 'refs/heads/main', 'no-force-push'],
        ['private', 'true'],
        ['reader', carol.publicKey],
        ['object-format', 'sha256'],
      ],
    });
    expect(await rig.announce(event)).toEqual({ accepted: true, note: '' });
    expect(await rig.manifest(idOf(alice))).toMatchObject({
      lifecycle: 'live',
      objectFormat: 'sha256',
      depth: 0,
      policy: {
        announcements: [event.id],
        writers: [alice.publicKey, bob.publicKey],
        protection: [{ pattern: 'refs/heads/main', rules: ['no-force-push'] }],
        private: true,
        readers: [carol.publicKey],
      },
      causes: [{ kind: 'announce', actor: alice.publicKey, evidence: event.id, refs: [] }],
    });
    expect(rig.events.get(event.id)).toEqual(event);
    expect(rig.events.isHidden(event.id)).toBe(false);
    expect((await rig.store.head(signedEventKey(idOf(alice), event.id))).found).toBe(true);
    expect([...(await rig.owners.read(alice.publicKey)).keys()]).toEqual(['project']);
  });

  it('in the GRASP form makes a held repository, which is not shown', async () => {
    const rig = new RelayRig();
    const event = announcement(alice, { as: 'grasp' });
    const verdict = await rig.announce(event);
    expect(verdict.accepted).toBe(true);
    expect(verdict.note).toMatch(/^purgatory: /);
    expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe('held');
    expect(rig.events.isHidden(event.id)).toBe(true);
    expect((await rig.announce(event)).accepted).toBe(true);
    expect((await rig.manifest(idOf(alice)))?.depth).toBe(0);
  });

  it('that cannot be in force takes no place of its owner', async () => {
    const rig = new RelayRig();
    const fossil = announcement(alice, {
      identifier: 'fossil',
      tags: [
        ['vcs', 'fossil'],
        ['clone', fossilUrl(BASE, alice.publicKey, 'fossil')],
      ],
    });
    expect(await rig.announce(fossil)).toMatchObject({
      accepted: false,
      note: expect.stringMatching(/no repositories of fossil/),
    });
    expect(await rig.owners.read(alice.publicKey)).toEqual(new Map());
    const secret = announcement(alice, { at: 1_000, tags: [['private', 'true']] });
    await rig.announce(secret);
    await rig.withdraw(deletion(alice, 2_000));
    const before = await rig.owners.read(alice.publicKey);
    expect(before.get('project')?.state).toBe('withdrawn');
    rig.clock.advance(60_000);
    // Anybody may have kept it and send it again.
    await rig.announce(secret, new Set());
    expect(await rig.owners.read(alice.publicKey)).toEqual(before);
  });

  it('without a wait ends the wait of its repository', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { as: 'grasp', at: 1_000 }));
    const second = announcement(alice, { at: 1_001 });
    expect(await rig.announce(second)).toEqual({ accepted: true, note: '' });
    expect((await rig.manifest(idOf(alice)))?.lifecycle).toBe('live');
    expect(rig.events.isHidden(second.id)).toBe(false);
  });

  it('sent twice changes nothing the second time', async () => {
    const rig = new RelayRig();
    const event = announcement(alice);
    await rig.announce(event);
    const verdict = await rig.announce(event);
    expect(verdict.accepted).toBe(true);
    expect(verdict.note).toMatch(/^duplicate: /);
    expect((await rig.manifest(idOf(alice)))?.depth).toBe(0);
  });

  it('changes the policy if it is newer, and does not if it is older', async () => {
    const rig = new RelayRig();
    const old = announcement(alice, { at: 1_000, maintainers: [bob] });
    const young = announcement(alice, { at: 1_001, maintainers: [carol] });
    await rig.announce(announcement(alice, { at: 999 }));
    await rig.announce(young);
    const verdict = await rig.announce(old);
    expect(verdict.accepted).toBe(true);
    expect(verdict.note).toMatch(/^duplicate: /);
    expect((await rig.manifest(idOf(alice)))?.policy).toMatchObject({
      announcements: [young.id],
      writers: [alice.publicKey, carol.publicKey],
    });
    expect(rig.events.get(old.id)).toBeUndefined();
  });

  it('cannot replace a newer one of another server that this server has not read yet', async () => {
    const here = new RelayRig();
    const elsewhere = new RelayRig({ seed: 2 }, here.repositories);
    await here.announce(announcement(alice, { at: 1_000 }));
    const newest = announcement(alice, { at: 1_002, maintainers: [carol] });
    await elsewhere.announce(newest);
    expect((await here.announce(announcement(alice, { at: 1_001, maintainers: [bob] }))).note).toMatch(
      /^duplicate: /,
    );
    expect((await here.manifest(idOf(alice)))?.policy.announcements).toEqual([newest.id]);
  });

  it.each([
    ['does not name the service', announcement(alice, { as: 'elsewhere' }), /^blocked: .*clone tag/],
    [
      'names its git and not its relay',
      announcement(alice, { as: 'elsewhere', tags: [['clone', 'https://git.example.org']] }),
      /^blocked: /,
    ],
    ['has a name that is no name', announcement(alice, { identifier: '../etc' }), /^invalid: .*slash/],
    ['has an empty name', announcement(alice, { identifier: '' }), /^invalid: /],
    ['has a name with a NUL', announcement(alice, { identifier: 'a\u0000b' }), /^invalid: .*control/],
    [
      'protects with a rule nobody keeps',
      announcement(alice, { tags: [['protect', 'refs/heads/main', 'no-bugs']] }),
      /^invalid: .*no-bugs/,
    ],
    ['would expire', announcement(alice, { tags: [['expiration', '2000000000']] }), /^invalid: .*expire/],
    [
      'lets in more readers than can be',
      announcement(alice, {
        tags: [['reader', ...Array.from({ length: 1_001 }, (_, at) => at.toString(16).padStart(64, '0'))]],
      }),
      /^invalid: .*readers/,
    ],
  ])('that %s is refused and leaves nothing', async (_what, event, reason) => {
    const rig = new RelayRig();
    const verdict = await rig.announce(event);
    expect(verdict.accepted).toBe(false);
    expect(verdict.note).toMatch(reason);
    const left: string[] = [];
    for await (const { key } of rig.store.list('')) left.push(key);
    expect(left).toEqual([]);
    expect(rig.events.all).toEqual([]);
  });

  it('cannot change the object format', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { at: 1_000 }));
    const verdict = await rig.announce(
      announcement(alice, { at: 1_001, tags: [['object-format', 'sha256']] }),
    );
    expect(verdict).toMatchObject({ accepted: false, note: expect.stringMatching(/^invalid: .*sha1/) });
  });

  it('is refused beyond the quota of its key, and other keys do not count', async () => {
    const rig = new RelayRig({ maxRepositoriesPerOwner: 2 });
    for (const identifier of ['one', 'two']) {
      expect((await rig.announce(announcement(alice, { identifier }))).accepted).toBe(true);
    }
    const third = await rig.announce(announcement(alice, { identifier: 'three' }));
    expect(third).toMatchObject({ accepted: false, note: expect.stringMatching(/^restricted: .*2 repo/) });
    expect(await rig.manifest(idOf(alice, 'three'))).toBeUndefined();
    expect((await rig.announce(announcement(alice, { identifier: 'two', at: 1_800_000_000 }))).accepted).toBe(
      true,
    );
    expect((await rig.announce(announcement(bob, { identifier: 'three' }))).accepted).toBe(true);
    await rig.withdraw(deletion(alice, 1_700_000_001, 'one'));
    expect((await rig.announce(announcement(alice, { identifier: 'three' }))).accepted).toBe(true);
  });

  it.each([
    [0, 'restricted: this server takes no new repositories'],
    [1, 'restricted: you have a repository here, the most that one key may have'],
  ])('is told why if its key may have %i repositories', async (maxRepositoriesPerOwner, note) => {
    const rig = new RelayRig({ maxRepositoriesPerOwner });
    for (let at = 0; at < maxRepositoriesPerOwner; at++)
      await rig.announce(announcement(alice, { identifier: `${at}` }));
    expect(await rig.announce(announcement(alice, { identifier: 'more' }))).toEqual({
      accepted: false,
      note,
    });
  });

  it('on two servers at once makes one repository', async () => {
    const rig = new RelayRig();
    const other = rig.another(2);
    const event = announcement(alice);
    const verdicts = await Promise.all([rig.announce(event), other.announce(event)]);
    expect(verdicts.every(({ accepted }) => accepted)).toBe(true);
    expect((await rig.manifest(idOf(alice)))?.depth).toBe(0);
    expect((await other.manifest(idOf(alice)))?.incarnation).toBe(
      (await rig.manifest(idOf(alice)))?.incarnation,
    );
  });

  it('and another one with the same identifier and another owner make two repositories', async () => {
    const rig = new RelayRig();
    await Promise.all([rig.announce(announcement(alice)), rig.announce(announcement(bob))]);
    expect((await rig.manifest(idOf(alice)))?.policy.writers).toEqual([alice.publicKey]);
    expect((await rig.manifest(idOf(bob)))?.policy.writers).toEqual([bob.publicKey]);
  });

  it.each(['v1/owners/', '/events/', '/artifacts/', '/pointer'])(
    'is not in force if the store fails %s, and can be sent again',
    async (part) => {
      const rig = new RelayRig();
      const event = announcement(alice);
      rig.store.rules.push(({ operation, key }) =>
        operation === 'put' && key.includes(part) ? { does: 'unavailable' } : undefined,
      );
      await expect(rig.announce(event)).rejects.toMatchObject({ kind: 'unavailable' });
      expect(rig.events.all).toEqual([]);
      expect(await rig.manifest(idOf(alice))).toBeUndefined();
      rig.store.reset();
      expect(await rig.announce(event)).toEqual({ accepted: true, note: '' });
      expect((await rig.manifest(idOf(alice)))?.depth).toBe(0);
    },
  );

  it('is answered as in force even if the log fails', async () => {
    const rig = new RelayRig();
    const event = announcement(alice);
    rig.events.failure = new CairnError('unavailable', 'no log');
    expect(await rig.announce(event)).toMatchObject({ accepted: true });
    rig.events.failure = undefined;
    expect((await rig.announce(event)).accepted).toBe(true);
    expect(rig.events.get(event.id)).toEqual(event);
  });
});

describe('maintainers', () => {
  it('name further maintainers in their own announcements, which need no repository here', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    const bobs = announcement(bob, { as: 'elsewhere', maintainers: [carol] });
    expect(await rig.announce(bobs)).toEqual({ accepted: true, note: '' });
    expect(await rig.manifest(idOf(bob))).toBeUndefined();
    expect((await rig.manifest(idOf(alice)))?.policy).toMatchObject({
      writers: [alice, bob, carol].map(({ publicKey }) => publicKey),
      announcements: expect.arrayContaining([bobs.id]),
    });
    expect((await rig.store.head(signedEventKey(idOf(alice), bobs.id))).found).toBe(true);
  });

  it('count only under the identifier that they are named for', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    const verdict = await rig.announce(announcement(bob, { as: 'elsewhere', identifier: 'other' }));
    expect(verdict.note).toMatch(/^blocked: /);
  });

  it('with a repository of their own change both', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    await rig.announce(announcement(bob, { maintainers: [carol] }));
    const alices = await rig.manifest(idOf(alice));
    expect(alices?.policy.writers).toEqual([alice, bob, carol].map(({ publicKey }) => publicKey));
    expect((await rig.manifest(idOf(bob)))?.policy.writers).toEqual([bob.publicKey, carol.publicKey]);
    await rig.announce(announcement(bob, { at: 1_700_000_001, maintainers: [dave] }));
    expect((await rig.manifest(idOf(alice)))?.policy.writers).toEqual(
      [alice, bob, dave].map(({ publicKey }) => publicKey),
    );
  });

  it('are only invited under the reciprocal rule until they name a member', async () => {
    const rig = new RelayRig({ rule: 'reciprocal' });
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    expect((await rig.manifest(idOf(alice)))?.policy.writers).toEqual([alice.publicKey]);
    const fork = await rig.announce(announcement(bob, { as: 'elsewhere', at: 1_000 }));
    expect(fork.accepted).toBe(false);
    await rig.announce(announcement(bob, { as: 'elsewhere', at: 1_001, maintainers: [alice] }));
    expect((await rig.manifest(idOf(alice)))?.policy.writers).toEqual([alice.publicKey, bob.publicKey]);
  });

  it('in a circle of announcements count like others', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    await rig.announce(announcement(bob, { maintainers: [alice] }));
    expect((await rig.manifest(idOf(alice)))?.policy.writers).toEqual([alice.publicKey, bob.publicKey]);
    expect((await rig.manifest(idOf(bob)))?.policy.writers).toEqual([bob.publicKey, alice.publicKey]);
  });

  it('from an announcement whose server stopped are applied by another server', async () => {
    const rig = new RelayRig();
    const other = rig.another(2);
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    const bobs = announcement(bob, { as: 'elsewhere', maintainers: [carol] });
    // The log has it, and nothing more happened.
    await rig.events.append([verified(bobs)]);
    await other.closures.idle();
    expect((await rig.manifest(idOf(alice)))?.policy.writers).toContain(carol.publicKey);
  });

  it('left by a server that stopped are applied by the sweep', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    await rig.events.append([verified(announcement(bob, { as: 'elsewhere', maintainers: [carol] }))]);
    await rig.closures.sweep(new AbortController().signal);
    expect((await rig.manifest(idOf(alice)))?.policy.writers).toContain(carol.publicKey);
  });
});
