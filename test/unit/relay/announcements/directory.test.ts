import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../../../src/nostr/event.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import { announcement, deletion, idOf, RelayRig, verified } from '../../../helpers/relay-rig.ts';
import { type Author, alice, bob, carol, dave } from '../../nostr/authors.ts';

const address = (owner: Author, identifier = 'project') => `30617:${owner.publicKey}:${identifier}`;
const nobody = new Set<string>();
const keysOf = (...authors: Author[]) => new Set(authors.map(({ publicKey }) => publicKey));

/** Alice's repository is private, Bob maintains it and Carol may read it. */
async function withPrivate(): Promise<RelayRig> {
  const rig = new RelayRig();
  const tags = [
    ['private', 'true'],
    ['reader', carol.publicKey],
  ];
  await rig.announce(announcement(alice, { maintainers: [bob], tags }));
  return rig;
}

const issue = dave.sign({ kind: kinds.issue, tags: [['a', address(alice)]] });
const comment = dave.sign({ kind: kinds.comment, tags: [['E', issue.id]] });
const reply = dave.sign({ kind: kinds.comment, tags: [['e', comment.id]] });
const state = bob.sign({ kind: kinds.repositoryState, tags: [['d', 'project']] });
const receipt = dave.sign({
  kind: kinds.repositoryState,
  tags: [
    ['d', 'project'],
    ['a', address(alice)],
  ],
});
const attestation = dave.sign({
  kind: kinds.applicationData,
  tags: [
    ['d', 'x'],
    ['a', address(alice)],
  ],
});

describe('what is about a private repository', () => {
  it.each<[string, NostrEvent]>([
    ['its announcement', announcement(alice)],
    ['an issue', issue],
    ['a comment on the issue', comment],
    ['an answer to the comment', reply],
    ['a note that quotes the issue', dave.sign({ kind: 1, tags: [['q', issue.id]] })],
    ['a note that quotes the repository', dave.sign({ kind: 1, tags: [['q', address(alice)]] })],
    ['a state by a maintainer', state],
    ['a receipt', receipt],
    ['an attestation', attestation],
    ['a withdrawal', deletion(alice, 1_000)],
    [
      'a deletion of a state by its address',
      bob.sign({ kind: kinds.deletion, tags: [['a', `30618:${bob.publicKey}:project`]] }),
    ],
  ])('%s is for its owner, maintainers and readers alone', async (_what, event) => {
    const rig = await withPrivate();
    await rig.events.append([issue, comment].map(verified));
    expect(rig.directory.mentions(event).map(({ owner }) => owner)).toEqual([alice.publicKey]);
    expect(rig.directory.visible(event, nobody)).toBe(false);
    expect(rig.directory.visible(event, keysOf(dave))).toBe(false);
    for (const member of [alice, bob, carol])
      expect(rig.directory.visible(event, keysOf(dave, member))).toBe(true);
  });

  it('stays so when the repository has been withdrawn', async () => {
    const rig = await withPrivate();
    const withdrawal = deletion(alice, 1_800_000_000);
    await rig.withdraw(withdrawal);
    for (const event of [issue, receipt, withdrawal, state]) {
      expect(rig.directory.visible(event, nobody)).toBe(false);
      expect(rig.directory.visible(event, keysOf(dave))).toBe(false);
    }
    expect(rig.directory.visible(issue, keysOf(carol))).toBe(true);
  });

  it('stays so for a server that finds the repository withdrawn', async () => {
    const rig = await withPrivate();
    await rig.withdraw(deletion(alice, 1_800_000_000));
    const fresh = new RelayRig({ seed: 2 }, rig.repositories);
    expect(fresh.directory.visible(issue, nobody)).toBe(false);
    await fresh.directory.prepare(issue);
    expect(fresh.directory.visible(issue, nobody)).toBe(false);
    expect(fresh.directory.visible(issue, keysOf(bob))).toBe(true);
  });

  it('is shown once the owner makes it public', async () => {
    const rig = await withPrivate();
    expect(rig.directory.visible(issue, nobody)).toBe(false);
    await rig.announce(announcement(alice, { at: 1_800_000_000 }));
    expect(rig.directory.visible(issue, nobody)).toBe(true);
  });

  it('is shown where the event is about a public one too: a private one never hides what another makes public (issue 11, point 12)', async () => {
    const rig = await withPrivate();
    await rig.announce(announcement(bob, { identifier: 'open' }));
    const tags = [
      ['a', address(bob, 'open')],
      ['a', address(alice)],
    ];
    const both = dave.sign({ kind: kinds.issue, tags });
    expect(rig.directory.visible(both, nobody)).toBe(true);
    await rig.events.append([both, issue].map(verified));
    const answer = dave.sign({ kind: kinds.comment, tags: [['E', both.id]] });
    expect(rig.directory.visible(answer, nobody)).toBe(true);
    // To quote something public publishes nothing.
    const quoting = dave.sign({
      kind: kinds.comment,
      tags: [
        ['E', issue.id],
        ['q', both.id],
      ],
    });
    expect(rig.directory.visible(quoting, nobody)).toBe(false);
    expect(rig.directory.visible(quoting, keysOf(carol))).toBe(true);
  });

  it("the profile of its owner is nobody else's business until he has a public one", async () => {
    const rig = await withPrivate();
    const profile = alice.sign({ kind: kinds.profile });
    expect(rig.directory.visible(profile, nobody)).toBe(false);
    expect(rig.directory.visible(profile, keysOf(carol))).toBe(true);
    await rig.announce(announcement(alice, { identifier: 'open' }));
    expect(rig.directory.visible(profile, nobody)).toBe(true);
  });
});

describe('what a member of a private repository says', () => {
  it('of something that is not here is for those who may know of that repository', async () => {
    const rig = await withPrivate();
    const deletion = (by: Author) => by.sign({ kind: kinds.deletion, tags: [['e', 'd'.repeat(64)]] });
    const comment = (by: Author) => by.sign({ kind: kinds.comment, tags: [['E', 'd'.repeat(64)]] });
    for (const say of [deletion, comment]) {
      for (const member of [alice, bob, carol]) {
        expect(rig.directory.visible(say(member), nobody)).toBe(false);
        expect(rig.directory.visible(say(member), keysOf(dave))).toBe(false);
        expect(rig.directory.visible(say(member), keysOf(carol))).toBe(true);
      }
      expect(rig.directory.visible(say(dave), nobody)).toBe(true);
    }
    await rig.announce(announcement(alice, { maintainers: [bob], at: 1_800_000_000 }));
    expect(rig.directory.visible(deletion(bob), nobody)).toBe(true);
  });

  it('of something that is here and about no repository is for everybody', async () => {
    const rig = await withPrivate();
    const note = dave.sign({ kind: 1, tags: [] });
    await rig.events.append([verified(note)]);
    const answer = bob.sign({ kind: kinds.comment, tags: [['e', note.id]] });
    expect(rig.directory.visible(answer, nobody)).toBe(true);
  });

  it('in an announcement that asks for no repository here is part of the private one', async () => {
    const rig = await withPrivate();
    const theirs = announcement(bob, { as: 'elsewhere' });
    await rig.announce(theirs);
    const about = dave.sign({ kind: kinds.issue, tags: [['a', address(bob)]] });
    for (const event of [theirs, about]) {
      expect(rig.directory.visible(event, nobody)).toBe(false);
      expect(rig.directory.visible(event, keysOf(dave))).toBe(false);
      for (const member of [alice, bob, carol])
        expect(rig.directory.visible(event, keysOf(member))).toBe(true);
    }
    await rig.announce(announcement(alice, { maintainers: [bob], at: 1_800_000_000 }));
    expect(rig.directory.visible(theirs, nobody)).toBe(true);
  });

  it('in an announcement of his own repository here is for everybody', async () => {
    const rig = await withPrivate();
    const own = announcement(bob);
    await rig.announce(own);
    expect(rig.directory.visible(own, nobody)).toBe(true);
  });
});

describe('what is about no repository here', () => {
  it('is no mention, and visible once that is known', async () => {
    const rig = new RelayRig();
    expect(rig.directory.mentions(issue)).toEqual([]);
    await rig.directory.prepare(issue);
    expect(rig.directory.visible(issue, nobody)).toBe(true);
  });

  it('is not shown while the store cannot tell', async () => {
    const rig = new RelayRig();
    rig.store.rules.push(() => ({ does: 'unavailable' }));
    await rig.directory.prepare(issue);
    expect(rig.directory.visible(issue, nobody)).toBe(false);
    // Looking has asked the store again, in vain; who asks meanwhile shares that answer.
    await rig.directory.prepare(issue);
    rig.store.reset();
    await rig.directory.prepare(issue);
    expect(rig.directory.visible(issue, nobody)).toBe(true);
  });

  it('was withdrawn while it was public, and may be seen', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice));
    const withdrawal = deletion(alice, 1_800_000_000);
    await rig.withdraw(withdrawal);
    expect(rig.directory.mentions(withdrawal)).toEqual([]);
    expect(rig.directory.visible(withdrawal, nobody)).toBe(true);
  });
});

describe('facts', () => {
  it('follow the announcements', async () => {
    const rig = new RelayRig();
    expect(rig.directory.facts(alice.publicKey, 'project')).toBeUndefined();
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    expect(rig.directory.facts(alice.publicKey, 'project')).toMatchObject({
      owner: alice.publicKey,
      writers: [alice.publicKey, bob.publicKey],
      private: false,
      announcement: { identifier: 'project' },
    });
    await rig.announce(announcement(bob, { as: 'elsewhere', maintainers: [carol] }));
    expect(rig.directory.facts(alice.publicKey, 'project')?.writers).toContain(carol.publicKey);
    await rig.withdraw(deletion(bob, 1_800_000_000));
    expect(rig.directory.facts(alice.publicKey, 'project')?.writers).not.toContain(carol.publicKey);
  });

  it('tell who has a repository here', async () => {
    const rig = new RelayRig();
    expect(rig.directory.hasRepository(alice.publicKey)).toBe(false);
    await rig.announce(announcement(alice, { maintainers: [bob] }));
    for (const [key, has] of [
      [alice, true],
      [bob, true],
      [carol, false],
    ] as const)
      expect(rig.directory.hasRepository(key.publicKey)).toBe(has);
    await rig.withdraw(deletion(alice, 1_800_000_000));
    expect(rig.directory.hasRepository(bob.publicKey)).toBe(false);
  });

  it('end with a hidden announcement whose time is up', async () => {
    const rig = new RelayRig();
    const held = announcement(alice, { as: 'grasp' });
    await rig.announce(held);
    expect(rig.directory.mentions(issue)).toHaveLength(1);
    rig.events.drop(held.id);
    expect(rig.directory.mentions(issue)).toEqual([]);
    expect(rig.directory.hasRepository(alice.publicKey)).toBe(false);
  });

  it('are remembered of what is announced alone, whatever is asked about', async () => {
    const rig = new RelayRig();
    const held = announcement(alice, { as: 'grasp', maintainers: [bob] });
    await rig.announce(held);
    expect(rig.directory.hasRepository(bob.publicKey)).toBe(true);
    const tags = Array.from({ length: 100 }, (_, at) => ['a', address(dave, `elsewhere-${at}`)]);
    rig.directory.mentions(carol.sign({ kind: kinds.issue, tags }));
    rig.events.drop(held.id);
    expect(rig.directory.hasRepository(bob.publicKey)).toBe(false);
    expect(rig.directory.size).toBe(0);
  });

  it('are known of announcements that were here before', async () => {
    const rig = new RelayRig();
    await rig.events.append([verified(announcement(alice))]);
    expect(rig.directory.hasRepository(alice.publicKey)).toBe(true);
    expect(rig.directory.facts(idOf(alice).owner, 'project')).toBeDefined();
  });

  it('do not end in a circle of answers, nor in a long row of them', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice));
    let last = issue;
    await rig.events.append([verified(issue)]);
    for (let at = 0; at < 80; at++) {
      last = dave.sign({ kind: kinds.comment, at, tags: [['e', last.id]] });
      await rig.events.append([verified(last)]);
    }
    expect(rig.directory.mentions(last)).toEqual([]);
    const nearer = dave.sign({
      kind: kinds.comment,
      tags: [
        ['e', last.id],
        ['E', issue.id],
      ],
    });
    expect(rig.directory.mentions(nearer)).toHaveLength(1);
  });
});

describe('answers that are being sent', () => {
  it('are looked at again whenever something may have been hidden from somebody (issue 11, point 14)', async () => {
    const rig = new RelayRig();
    let [known, at] = [rig.directory.hidings, 1_000];
    const hides = async (what: string, change: () => Promise<unknown>, isHiding = true) => {
      await change();
      // What is asked about an event is what answers depend on.
      rig.directory.visible(issue, nobody);
      expect(rig.directory.hidings > known, what).toBe(isHiding);
      known = rig.directory.hidings;
    };
    const announced = (tags: string[][]) => rig.announce(announcement(alice, { at: at++, tags }));
    const secret = ['private', 'true'];
    await hides('it is announced', () => announced([]));
    await hides('it becomes private', () => announced([secret, ['reader', carol.publicKey]]));
    expect(rig.directory.visible(issue, keysOf(carol))).toBe(true);
    await hides('a reader less', () => announced([secret]));
    expect(rig.directory.visible(issue, keysOf(carol))).toBe(false);
    await hides('an issue', () => rig.events.append([verified(issue)]), false);
    await hides(
      'a deletion of something else',
      () => rig.events.append([verified(dave.sign({ kind: kinds.deletion, tags: [['e', comment.id]] }))]),
      false,
    );
    await hides('it becomes public', () => announced([]));
    await hides('it is withdrawn', () => rig.withdraw(deletion(alice, at++)));
  });
});
