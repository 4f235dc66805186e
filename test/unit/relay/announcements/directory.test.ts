import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../../src/lib/digest.ts';
import type { NostrEvent } from '../../../../src/nostr/event.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import { MAX_REFERENCES } from '../../../../src/relay/log/event-repositories.ts';
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

describe('an event about a private repository', () => {
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
  ])('(%s) is visible to its owner, maintainers and readers only', async (_what, event) => {
    const rig = await withPrivate();
    await rig.events.append([issue, comment].map(verified));
    expect(rig.directory.mentions(event).map(({ owner }) => owner)).toEqual([alice.publicKey]);
    expect(rig.directory.visible(event, nobody)).toBe(false);
    expect(rig.directory.visible(event, keysOf(dave))).toBe(false);
    for (const member of [alice, bob, carol])
      expect(rig.directory.visible(event, keysOf(dave, member))).toBe(true);
  });

  it('stays hidden after the repository was withdrawn', async () => {
    const rig = await withPrivate();
    const withdrawal = deletion(alice, 1_800_000_000);
    await rig.withdraw(withdrawal);
    for (const event of [issue, receipt, withdrawal, state]) {
      expect(rig.directory.visible(event, nobody)).toBe(false);
      expect(rig.directory.visible(event, keysOf(dave))).toBe(false);
    }
    expect(rig.directory.visible(issue, keysOf(carol))).toBe(true);
  });

  it('stays hidden on a server that finds the repository withdrawn', async () => {
    const rig = await withPrivate();
    await rig.withdraw(deletion(alice, 1_800_000_000));
    const fresh = new RelayRig({ seed: 2 }, rig.repositories);
    expect(fresh.directory.visible(issue, nobody)).toBe(false);
    await fresh.directory.prepare(issue);
    expect(fresh.directory.visible(issue, nobody)).toBe(false);
    expect(fresh.directory.visible(issue, keysOf(bob))).toBe(true);
  });

  it('becomes visible when the owner makes it public', async () => {
    const rig = await withPrivate();
    expect(rig.directory.visible(issue, nobody)).toBe(false);
    await rig.announce(announcement(alice, { at: 1_800_000_000 }));
    expect(rig.directory.visible(issue, nobody)).toBe(true);
  });

  it('is visible if it is about a public repository too: a private one hides nothing that a public one shows (issue 11, point 12)', async () => {
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

  it('that is the owner’s profile stays hidden until the owner has a public repository', async () => {
    const rig = await withPrivate();
    const profile = alice.sign({ kind: kinds.profile });
    expect(rig.directory.visible(profile, nobody)).toBe(false);
    expect(rig.directory.visible(profile, keysOf(carol))).toBe(true);
    await rig.announce(announcement(alice, { identifier: 'open' }));
    expect(rig.directory.visible(profile, nobody)).toBe(true);
  });
});

describe('an event of a member of a private repository', () => {
  it('about a missing event is visible to members only', async () => {
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

  it('about events with more references than are followed is visible to members only', async () => {
    const rig = await withPrivate();
    const quotes = Array.from({ length: MAX_REFERENCES / 4 }, (_, at) => ['q', sha256(`${at}`)]);
    const notes = [1, 2, 3, 4, 5].map((at) => dave.sign({ kind: 1, at, tags: quotes }));
    await rig.events.append(notes.map(verified));
    const about = (by: Author, count: number) =>
      by.sign({ kind: kinds.comment, tags: notes.slice(0, count).map(({ id }) => ['e', id]) });
    expect(rig.directory.visible(about(bob, 4), nobody)).toBe(true);
    expect(rig.directory.visible(about(bob, 5), nobody)).toBe(false);
    expect(rig.directory.visible(about(bob, 5), keysOf(carol))).toBe(true);
    expect(rig.directory.visible(about(dave, 5), nobody)).toBe(true);
  });

  it('about a stored event without a repository is visible to everybody', async () => {
    const rig = await withPrivate();
    const note = dave.sign({ kind: 1, tags: [] });
    await rig.events.append([verified(note)]);
    const answer = bob.sign({ kind: kinds.comment, tags: [['e', note.id]] });
    expect(rig.directory.visible(answer, nobody)).toBe(true);
  });

  it('that is an announcement without a repository here belongs to the private one', async () => {
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

  it('that announces a repository here is visible to everybody', async () => {
    const rig = await withPrivate();
    const own = announcement(bob);
    await rig.announce(own);
    expect(rig.directory.visible(own, nobody)).toBe(true);
  });
});

describe('an event that names no repository here', () => {
  it('mentions nothing, and becomes visible when that is certain', async () => {
    const rig = new RelayRig();
    expect(rig.directory.mentions(issue)).toEqual([]);
    await rig.directory.prepare(issue);
    expect(rig.directory.visible(issue, nobody)).toBe(true);
  });

  it('stays hidden while the store cannot answer', async () => {
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

  it('about a repository that was withdrawn as public is visible', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice));
    const withdrawal = deletion(alice, 1_800_000_000);
    await rig.withdraw(withdrawal);
    expect(rig.directory.mentions(withdrawal)).toEqual([]);
    expect(rig.directory.visible(withdrawal, nobody)).toBe(true);
  });
});

describe('what the directory knows', () => {
  it('follows the announcements', async () => {
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

  it('includes the owners of repositories here', async () => {
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

  it('ends with a hidden announcement that has expired', async () => {
    const rig = new RelayRig();
    const held = announcement(alice, { as: 'grasp' });
    await rig.announce(held);
    expect(rig.directory.mentions(issue)).toHaveLength(1);
    rig.events.drop(held.id);
    expect(rig.directory.mentions(issue)).toEqual([]);
    expect(rig.directory.hasRepository(alice.publicKey)).toBe(false);
  });

  it('is kept for announced repositories only, however many are asked about', async () => {
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

  it('includes announcements from before the start', async () => {
    const rig = new RelayRig();
    await rig.events.append([verified(announcement(alice))]);
    expect(rig.directory.hasRepository(alice.publicKey)).toBe(true);
    expect(rig.directory.facts(idOf(alice).owner, 'project')).toBeDefined();
  });

  it('is found through circles of replies and long chains of them', async () => {
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

describe('an answer that is being sent', () => {
  it('is checked again whenever an event may have been hidden (issue 11, point 14)', async () => {
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

describe('repositories that are not here', () => {
  let number = 0;
  /** An event that names so many of them, each for the first time, and then others. */
  const naming = (count: number, ...others: string[]) =>
    dave.sign({
      kind: kinds.issue,
      tags: [
        ...Array.from({ length: count }, () => ['a', address(dave, `nowhere-${++number}`)]),
        ...others.map((other) => ['a', other]),
      ],
    });
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('are not looked for in the bucket if an event is shown because of another one', async () => {
    const rig = new RelayRig();
    await rig.announce(announcement(alice));
    rig.store.reset();
    for (let at = 0; at < 20; at++) {
      expect(rig.directory.visible(naming(60, address(alice)), nobody)).toBe(true);
    }
    await settled();
    expect(rig.store.count()).toBe(0);
  });

  it('are looked for a few at a time, whatever strangers name, and in the end all are', async () => {
    const rig = new RelayRig();
    const events = Array.from({ length: 20 }, () => naming(60));
    rig.store.reset();
    for (const event of events) expect(rig.directory.visible(event, nobody)).toBe(false);
    await settled();
    // Each look at a name takes two requests where there is nothing.
    expect(rig.store.count()).toBeLessThanOrEqual(2 * 16);
    expect(rig.store.count()).toBeGreaterThan(0);
    const [first] = events;
    if (first === undefined) throw new Error('there are twenty');
    let isSeen = false;
    for (let asked = 0; asked < 60 && !isSeen; asked++) {
      isSeen = rig.directory.visible(first, nobody);
      await settled();
    }
    expect(isSeen).toBe(true);
  });
});
