import { describe, expect, it } from 'vitest';
import { CairnError, publicError } from '../../../src/lib/errors.ts';
import type { NostrEvent, VerifiedEvent } from '../../../src/nostr/event.ts';
import { kinds } from '../../../src/nostr/kinds.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { Admission, MAX_AHEAD_SECONDS } from '../../../src/relay/admission.ts';
import { accept, reject } from '../../../src/relay/publication.ts';
import { announcement, deletion, RelayRig, verified } from '../../helpers/relay-rig.ts';
import { type Author, alice, bob, carol, dave } from '../nostr/authors.ts';

const NOW = Date.UTC(2030, 0, 1) / 1000;
const ADDRESS = `30617:${alice.publicKey}:project`;
const UNAVAILABLE =
  'error: the object store does not answer, or something else that this server needs; try again in a moment';
const DAMAGED = 'error: stored data is damaged: the operator finds the details in the log of the server';
const nobody = new Set<string>();
const keysOf = (...authors: Author[]) => new Set(authors.map(({ publicKey }) => publicKey));

/** What is let in, over the facts of real announcements; what an event makes happen is only noted. */
class AdmissionRig {
  readonly relay = new RelayRig();
  /** What was asked for, and the event. */
  readonly done: [string, string][] = [];
  readonly logged: string[] = [];
  readonly admission: Admission;
  /** What is said of the room for events. */
  noRoom: `blocked: ${string}` | undefined;
  /** What acting on an event comes to; thrown when it is an error. */
  outcome: Error | ReturnType<typeof accept> = accept();

  constructor(readOnly = false) {
    const { events, directory, clock } = this.relay;
    const act = (what: string) => async (event: VerifiedEvent) => {
      this.done.push([what, event.id]);
      if (this.outcome instanceof Error) throw this.outcome;
      return this.outcome;
    };
    this.admission = new Admission({
      events,
      belonging: directory,
      announce: act('announce'),
      signedState: act('order'),
      pullRequest: async (event) => {
        await events.append([event]);
        return accept();
      },
      withdraw: act('withdraw'),
      noRoom: () => this.noRoom,
      readOnly,
      clock,
      log: createLogger('warn', { write: (line) => void this.logged.push(line) }),
    });
  }

  /** Alice has a repository here, which Bob maintains; Carol may read it, should it be private. */
  static async hosting(tags: readonly string[][] = []): Promise<AdmissionRig> {
    const rig = new AdmissionRig();
    await rig.relay.announce(announcement(alice, { maintainers: [bob], tags: tags.map((tag) => [...tag]) }));
    return rig;
  }

  send(event: NostrEvent, sender: ReadonlySet<string> = nobody) {
    return this.admission.publish(verified(event), sender);
  }

  has(event: NostrEvent): boolean {
    return this.relay.events.get(event.id) !== undefined;
  }
}

const issue = (by: Author, about = ADDRESS) => by.sign({ kind: kinds.issue, tags: [['a', about]] });

describe('an event with a handler', () => {
  it.each<[string, string, NostrEvent]>([
    ['an announcement', 'announce', announcement(dave)],
    ['a state', 'order', dave.sign({ kind: kinds.repositoryState, tags: [['d', 'project']] })],
    ['a deletion', 'withdraw', deletion(dave, 1_000)],
  ])('(%s) is handled, and the answer is the result', async (_what, act, event) => {
    const rig = new AdmissionRig();
    rig.outcome = reject('blocked: for a reason');
    expect(await rig.send(event)).toEqual(rig.outcome);
    expect(rig.done).toEqual([[act, event.id]]);
    expect(rig.has(event), 'it is for whoever acts upon it to keep it').toBe(false);
  });

  it('is not handled again if it is stored, except an announcement, which may not be in force any more', async () => {
    const rig = await AdmissionRig.hosting();
    const state = bob.sign({ kind: kinds.repositoryState, tags: [['d', 'project']] });
    const request = dave.sign({ kind: kinds.deletion, tags: [['e', 'a'.repeat(64)]] });
    const announced = rig.relay.events.latest(kinds.repository, alice.publicKey, 'project');
    await rig.relay.events.append([state, request].map(verified));
    for (const event of [state, request]) {
      expect(await rig.send(event)).toEqual(accept('duplicate: it is here already'));
    }
    expect(rig.done).toEqual([]);
    if (announced !== undefined) await rig.send(announced);
    expect(rig.done).toEqual([['announce', announced?.id]]);
  });

  it.each<[string, Error, string, boolean]>([
    ['the store', new CairnError('unavailable', 'no answer from 10.0.0.1'), UNAVAILABLE, false],
    [
      'a store that may be named',
      publicError('unavailable', 'the log is full'),
      'error: the log is full',
      false,
    ],
    ['a damage', new CairnError('corrupt', 'v1/secret is damaged'), DAMAGED, true],
    ['a mistake', new Error('secret detail'), 'error: internal error', true],
  ])('that fails with %s is answered with that, and logged', async (_what, outcome, note, grave) => {
    const rig = new AdmissionRig();
    rig.outcome = outcome;
    expect(await rig.send(announcement(alice))).toEqual({ accepted: false, note });
    const [line = '{}'] = rig.logged;
    expect(JSON.parse(line)).toMatchObject({ msg: 'event not taken' });
    expect(/"level":("error"|50)/.test(line)).toBe(grave);
  });
});

describe('any event', () => {
  const expiring = (at: number) =>
    carol.sign({
      kind: kinds.issue,
      tags: [
        ['a', ADDRESS],
        ['expiration', String(at)],
      ],
    });
  const protectedIssue = dave.sign({
    kind: kinds.issue,
    tags: [['a', ADDRESS], ['-']],
  });
  const dated = (at: number) => carol.sign({ kind: kinds.issue, at, tags: [['a', ADDRESS]] });
  it.each<[string, NostrEvent, ReadonlySet<string>, RegExp | true]>([
    ['dated as far ahead as may be', dated(NOW + MAX_AHEAD_SECONDS), nobody, true],
    ['dated further ahead', dated(NOW + MAX_AHEAD_SECONDS + 1), nobody, /^invalid: .*ahead/],
    ['dated long ago', dated(0), nobody, true],
    ['that expires', expiring(NOW + 1), nobody, true],
    ['that has expired', expiring(NOW), nobody, /^invalid: .*expired/],
    [
      'that is not to be kept',
      carol.sign({ kind: 20_001, tags: [['a', ADDRESS]] }),
      keysOf(carol),
      /^blocked: /,
    ],
    ['protected, from nobody', protectedIssue, nobody, /^auth-required: /],
    ['protected, from somebody else', protectedIssue, keysOf(carol), /^restricted: /],
    ['protected, from its author', protectedIssue, keysOf(carol, dave), true],
  ])('(one %s) is accepted, or refused with the reason', async (_what, event, sender, answer) => {
    const rig = await AdmissionRig.hosting();
    const verdict = await rig.send(event, sender);
    expect(verdict.accepted).toBe(answer === true);
    expect(verdict.note).toMatch(answer === true ? /^$/ : answer);
    expect(rig.has(event)).toBe(answer === true);
  });

  it('is decided last by its author', async () => {
    const rig = await AdmissionRig.hosting();
    const event = issue(carol);
    await rig.relay.events.append([verified(carol.sign({ kind: kinds.deletion, tags: [['e', event.id]] }))]);
    expect(await rig.send(event)).toEqual(reject('blocked: its author deleted it'));
  });

  it('may be replaced by a newer one', async () => {
    const rig = await AdmissionRig.hosting();
    const [older, newer] = [1_000, 2_000].map((at) => bob.sign({ kind: kinds.profile, at }));
    if (older === undefined || newer === undefined) throw new TypeError('two were signed');
    expect(await rig.send(newer)).toEqual(accept());
    expect(await rig.send(older)).toEqual(accept('duplicate: a newer one is here'));
    expect(rig.has(older)).toBe(false);
  });

  it('of two at one address and second, the one with the lower id counts, and the other is answered so (issue 11, point 24)', async () => {
    const rig = await AdmissionRig.hosting();
    const [first, second] = ['a', 'b']
      .map((content) => bob.sign({ kind: kinds.profile, at: 1_000, content }))
      .sort((one, other) => (one.id < other.id ? -1 : 1));
    if (first === undefined || second === undefined) throw new TypeError('two were signed');
    expect(await rig.send(first)).toEqual(accept());
    const { note } = await rig.send(second);
    expect(note).toMatch(/^duplicate: .*same second.*lower id/);
    expect(note).not.toContain('newer');
  });

  it('that is a repost of a protected event is refused, unless its author sends it (issue 11, point 24)', async () => {
    const rig = await AdmissionRig.hosting();
    const about = dave.sign({ kind: kinds.issue, tags: [['a', ADDRESS], ['-']] });
    await rig.relay.events.append([verified(about)]);
    const tags = [['a', ADDRESS]];
    const embedded = (kind: number, inner: unknown) =>
      carol.sign({ kind, tags, content: JSON.stringify(inner) });
    const reposts = [
      embedded(kinds.repost, about),
      embedded(kinds.genericRepost, about),
      // A repost in a repost, and one that names the event, which is here, by its id alone.
      embedded(kinds.repost, embedded(kinds.genericRepost, about)),
      carol.sign({ kind: kinds.repost, tags: [...tags, ['e', about.id]] }),
      embedded(kinds.repost, { kind: 1, tags: [['-']] }),
    ];
    for (const event of reposts) {
      expect(await rig.send(event)).toEqual(
        reject('blocked: it reposts an event that only its author may publish'),
      );
      expect(rig.has(event)).toBe(false);
    }
    const [own] = reposts;
    if (own !== undefined) expect(await rig.send(own, keysOf(dave))).toEqual(accept());
  });

  it('that reposts protected events of several authors is refused unless all of them send it', async () => {
    const rig = await AdmissionRig.hosting();
    const [first, other] = [bob, dave].map((by) =>
      by.sign({ kind: kinds.issue, tags: [['a', ADDRESS], ['-']] }),
    );
    if (first === undefined || other === undefined) throw new Error('both were made');
    await rig.relay.events.append([verified(first), verified(other)]);
    const tags = [['a', ADDRESS]];
    const byId = [
      ['e', first.id],
      ['e', other.id],
    ];
    const inOne = JSON.stringify({ ...first, kind: kinds.repost, content: JSON.stringify(other) });
    for (const event of [
      carol.sign({ kind: kinds.repost, tags: [...tags, ...byId] }),
      carol.sign({
        kind: kinds.repost,
        tags: [...tags, ...byId.slice(0, 1)],
        content: JSON.stringify(other),
      }),
      carol.sign({ kind: kinds.repost, tags, content: inOne }),
    ]) {
      for (const sender of [keysOf(bob), keysOf(dave)]) {
        expect(await rig.send(event, sender)).toEqual(
          reject('blocked: it reposts an event that only its author may publish'),
        );
      }
      expect(await rig.send(event, keysOf(bob, dave))).toEqual(accept());
    }
  });

  it('that is a repost of a stored event which its sender may not see reveals nothing of it (issue 11, point 13)', async () => {
    const rig = await AdmissionRig.hosting([['private', 'true']]);
    const secret = dave.sign({ kind: kinds.issue, tags: [['a', ADDRESS], ['-']] });
    await rig.relay.events.append([verified(secret)]);
    const repost = carol.sign({ kind: kinds.repost, tags: [['e', secret.id]] });
    expect(await rig.send(repost)).toEqual(await new AdmissionRig().send(repost));
    const told = await rig.send(repost, keysOf(bob));
    expect(told).toEqual(reject('blocked: it reposts an event that only its author may publish'));
  });

  it('that is a repost of another event is accepted like any event', async () => {
    const rig = await AdmissionRig.hosting();
    for (const content of ['', 'see this', '[]', 'null', '{"tags":7}', JSON.stringify(issue(bob))]) {
      const event = carol.sign({ kind: kinds.repost, tags: [['a', ADDRESS]], content });
      expect(await rig.send(event), content).toEqual(accept());
    }
  });

  it('that is a profile is accepted from authors of stored public events', async () => {
    const rig = await AdmissionRig.hosting();
    const profile = dave.sign({ kind: kinds.profile });
    expect(await rig.send(profile)).toMatchObject({ accepted: false });
    await rig.send(issue(dave));
    expect(await rig.send(profile)).toMatchObject({ accepted: true });
  });

  it('that is a profile does not reveal that its author is a member of a private repository', async () => {
    const rig = await AdmissionRig.hosting([
      ['private', 'true'],
      ['reader', dave.publicKey],
    ]);
    const sender = keysOf(dave);
    expect(await rig.send(issue(dave), sender)).toMatchObject({ accepted: true });
    expect(await rig.send(dave.sign({ kind: kinds.profile }), sender)).toMatchObject({ accepted: false });
  });

  it('that is a list of GRASP servers (10317) is accepted from anyone, and a profile from owners (issue 11, point 24)', async () => {
    const rig = await AdmissionRig.hosting();
    expect(await rig.send(dave.sign({ kind: kinds.graspList, tags: [['g', 'wss://a.example']] }))).toEqual(
      accept(),
    );
    expect(await rig.send(dave.sign({ kind: kinds.profile }))).toMatchObject({ accepted: false });
  });

  it('is refused if access is read-only', async () => {
    const rig = new AdmissionRig(true);
    for (const event of [announcement(alice), issue(carol), deletion(alice, 1)]) {
      expect(await rig.send(event)).toEqual(reject('blocked: this server is read-only'));
    }
    expect(rig.done).toEqual([]);
  });
});

describe('an event belongs here', () => {
  const first = issue(carol);
  const elsewhere = `30617:${dave.publicKey}:elsewhere`;
  it.each<[string, NostrEvent, boolean]>([
    ['when it is about a repository here', issue(dave), true],
    ['when it answers what is', dave.sign({ kind: kinds.comment, tags: [['E', first.id]] }), true],
    ['and not when it is about one elsewhere', issue(dave, elsewhere), false],
    ['nor when it is about nothing', dave.sign({ kind: 1, content: 'hello' }), false],
    ['nor when it answers what is not here', dave.sign({ kind: 1, tags: [['e', 'f'.repeat(64)]] }), false],
    ['when it is the profile of somebody who maintains one', bob.sign({ kind: kinds.profile }), true],
    ['and not when it is that of anyone else', dave.sign({ kind: kinds.profile }), false],
    ['when it lists where a maintainer keeps his', bob.sign({ kind: kinds.graspList }), true],
    [
      'and not when it looks like an attestation',
      dave.sign({
        kind: kinds.applicationData,
        tags: [
          ['d', 'x'],
          ['a', ADDRESS],
        ],
      }),
      false,
    ],
  ])('%s', async (_when, event, belongs) => {
    const rig = await AdmissionRig.hosting();
    expect(await rig.send(first)).toEqual(accept());
    const verdict = await rig.send(event);
    expect(verdict.accepted).toBe(belongs);
    expect(verdict.note).toMatch(belongs ? /^$/ : /^blocked: this relay keeps what belongs/);
    expect(rig.has(event)).toBe(belongs);
  });

  it('if a stored event refers to it, even if it names no repository', async () => {
    const rig = await AdmissionRig.hosting();
    const note = dave.sign({ kind: 1, content: 'as I said' });
    expect((await rig.send(note)).accepted).toBe(false);
    const quoting = carol.sign({
      kind: kinds.issue,
      tags: [
        ['a', ADDRESS],
        ['q', note.id],
      ],
    });
    await rig.send(quoting);
    expect(await rig.send(note)).toEqual(accept());
    expect(await rig.send(note)).toEqual(accept('duplicate: it is here already'));
  });
});

describe('an event about a private repository', () => {
  const secret = [
    ['private', 'true'],
    ['reader', carol.publicKey],
  ];

  it.each<[string, Author[], boolean]>([
    ['nobody', [], false],
    ['a stranger', [dave], false],
    ['a reader', [carol], true],
    ['a maintainer', [bob], true],
    ['the owner among others', [dave, alice], true],
  ])('is accepted from members only: %s', async (_who, sender, taken) => {
    const rig = await AdmissionRig.hosting(secret);
    const event = issue(dave);
    expect((await rig.send(event, keysOf(...sender))).accepted).toBe(taken);
    expect(rig.has(event)).toBe(taken);
  });

  it('does not make the events that it refers to acceptable to non-members', async () => {
    const rig = await AdmissionRig.hosting(secret);
    const note = dave.sign({ kind: 1, content: 'as I said' });
    const tags = [
      ['a', ADDRESS],
      ['q', note.id],
    ];
    await rig.send(carol.sign({ kind: kinds.issue, tags }), keysOf(carol));
    expect(await rig.send(note, keysOf(dave))).toEqual(await new AdmissionRig().send(note));
    expect(await rig.send(note, keysOf(carol))).toEqual(accept());
  });

  it('is refused with the words for a missing repository', async () => {
    const [there, none] = [await AdmissionRig.hosting(secret), new AdmissionRig()];
    for (const event of [issue(dave), bob.sign({ kind: kinds.profile })]) {
      expect(await there.send(event)).toEqual(await none.send(event));
    }
  });
});

describe('an event without room in the index', () => {
  const full = 'blocked: there is no room' as const;

  it('is refused before anything is done, for every kind', async () => {
    const rig = await AdmissionRig.hosting();
    const known = dave.sign({ kind: kinds.issue, tags: [['a', ADDRESS]] });
    expect(await rig.send(known)).toEqual(accept());
    rig.noRoom = full;
    for (const event of [
      dave.sign({ kind: kinds.issue, content: 'another', tags: [['a', ADDRESS]] }),
      dave.sign({ kind: kinds.deletion, tags: [['e', known.id]] }),
      verified(announcement(dave)),
    ]) {
      expect(await rig.send(event)).toEqual(reject(full));
      expect(rig.has(event)).toBe(false);
    }
    expect(rig.done).toEqual([]);
    expect(await rig.send(known)).toEqual(accept('duplicate: it is here already'));
    expect(await rig.send(alice.sign({ kind: kinds.repositoryState, tags: [['d', 'project']] }))).toEqual(
      accept(),
    );
  });

  it('about a private repository is answered to strangers as for a missing one (issue 11, point 13)', async () => {
    const rig = await AdmissionRig.hosting([['private', 'true']]);
    rig.noRoom = full;
    const event = dave.sign({ kind: kinds.issue, tags: [['a', ADDRESS]] });
    expect(await rig.send(event)).toEqual(await new AdmissionRig().send(event));
    expect(await rig.send(event, keysOf(bob))).toEqual(reject(full));
  });

  it('is accepted if it deletes something that its sender may not see: a refusal would reveal that (issue 11, point 13)', async () => {
    const rig = await AdmissionRig.hosting([['private', 'true']]);
    rig.noRoom = full;
    const event = deletion(alice, 1_000);
    expect(await rig.send(event)).toEqual(accept());
    expect(rig.done).toEqual([['withdraw', event.id]]);
    expect(await rig.send(event, keysOf(alice))).toEqual(reject(full));
  });
});
