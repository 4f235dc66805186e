import { beforeEach, describe, expect, it } from 'vitest';
import { encodeEvent, type NostrEvent } from '../../../../src/nostr/event.ts';
import { defaultRelayLimits } from '../../../../src/relay/client/relay-limits.ts';
import { EventIndex } from '../../../../src/relay/log/event-index.ts';
import { EventQuota, type EventQuotas, type Mentioned } from '../../../../src/relay/log/event-quota.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';
import { ann, ben, cat, plainEvent } from '../plain-events.ts';

const SEED = testSeed();
const SHOWN = { hidden: false, at: 0 };
const MIB = 1024 * 1024;
const plenty = { events: 1_000, bytes: MIB };
const quotas: EventQuotas = {
  member: plenty,
  stranger: plenty,
  repository: plenty,
  unclaimed: plenty,
  indexBytes: 64 * MIB,
};

/** Ann owns repositories, which Ben maintains. */
const address = (identifier: string) => `30617:${ann}:${identifier}`;
const mentioned = (identifier: string): Mentioned => ({
  owner: ann,
  writers: [ann, ben],
  announcement: { identifier },
});

let index: EventIndex;
let number = 0;

beforeEach(() => {
  index = new EventIndex();
});

function quota(limits: Partial<EventQuotas>, memory?: number): EventQuota {
  const ledger =
    memory === undefined
      ? index
      : {
          memory,
          byAuthor: index.byAuthor.bind(index),
          byOthers: index.byOthers.bind(index),
          unclaimed: index.unclaimed.bind(index),
          chargesOf: index.chargesOf.bind(index),
          elsewhere: index.elsewhere.bind(index),
          fullest: index.fullest.bind(index),
        };
  return new EventQuota({
    ledger,
    events: index,
    // What the tests store is about the repositories that it names, or about x.
    mentions: (event) => {
      const named = ['x', 'y'].filter((one) => event.tags.some(([, value]) => value === address(one)));
      return (named.length > 0 || event.kind !== 1111 ? named : ['x']).map(mentioned);
    },
    hasRepository: (key) => key === ann || key === ben,
    quotas: { ...quotas, ...limits },
  });
}

/** An issue of a repository, by a key of its own unless one is named. */
function issue(identifier: string, by = (++number).toString(16).padStart(64, '0')): NostrEvent {
  return plainEvent({ by, content: `${++number}`, tags: [['a', address(identifier)]] });
}

function store(...events: readonly NostrEvent[]): void {
  for (const event of events) expect(index.add(event, SHOWN)).toBe('stored');
}

const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make);

describe('events of strangers about a repository (issue 11, point 10)', () => {
  it('are accepted up to exactly the limit of events, whatever keys they use', () => {
    const bounded = quota({ repository: { events: 10, bytes: MIB } });
    for (const event of times(10, () => issue('x'))) {
      expect(bounded.refusal(event)).toBeUndefined();
      store(event);
    }
    expect(bounded.refusal(issue('x'))).toMatch(/^blocked: keys that do not maintain .* may store 10 events/);
    expect(bounded.refusal(issue('y'))).toBeUndefined();
  });

  it('are accepted up to exactly the limit of bytes', () => {
    const first = issue('x');
    const next = issue('x');
    const bytes = Buffer.byteLength(encodeEvent(first)) + Buffer.byteLength(encodeEvent(next));
    store(first);
    expect(quota({ repository: { events: 10, bytes } }).refusal(next)).toBeUndefined();
    expect(quota({ repository: { events: 10, bytes: bytes - 1 } }).refusal(next)).toMatch(/^blocked: /);
  });

  it('and those of owners and maintainers take no room from each other', () => {
    const bounded = quota({ repository: { events: 10, bytes: MIB } });
    store(...times(20, () => issue('x', ben)), ...times(9, () => issue('x')));
    const last = issue('x');
    expect(bounded.refusal(last)).toBeUndefined();
    store(last);
    expect(bounded.refusal(issue('x'))).toMatch(/^blocked: /);
    expect(bounded.refusal(issue('x', ben))).toBeUndefined();
    expect(bounded.refusal(issue('x', ann))).toBeUndefined();
  });

  it('are counted again whenever they change', () => {
    const bounded = quota({ repository: { events: 3, bytes: MIB } });
    store(...times(3, () => issue('x', ben)));
    const sent = times(3, () => issue('x', cat));
    store(...sent.slice(0, 2));
    expect(bounded.refusal(issue('x'))).toBeUndefined();
    store(...sent.slice(2));
    for (let again = 0; again < 3; again++) expect(bounded.refusal(issue('x'))).toMatch(/^blocked: /);
    // The deletion is about it as well.
    store(plainEvent({ by: cat, kind: 5, tags: sent.slice(1).map(({ id }) => ['e', id]) }));
    expect(bounded.refusal(issue('x'))).toBeUndefined();
  });

  it('include replies, and replies to replies, in any order', () => {
    const root = issue('x');
    const answer = plainEvent({ by: cat, kind: 1111, tags: [['E', root.id]] });
    const chain = [root, answer, plainEvent({ by: cat, kind: 1111, content: '2', tags: [['e', answer.id]] })];
    for (const order of [chain, [...chain].reverse()]) {
      index = new EventIndex();
      store(...order);
      expect(index.byOthers(address('x'), [], plenty).events).toBe(3);
      expect(index.unclaimed().events).toBe(0);
      const next = plainEvent({ by: cat, kind: 1111, content: '3', tags: [['e', answer.id]] });
      expect(quota({ repository: { events: 3, bytes: MIB } }).refusal(next)).toMatch(/^blocked: /);
      expect(quota({ repository: { events: 4, bytes: MIB } }).refusal(next)).toBeUndefined();
    }
  });

  it('count in every repository that they name, in any order', () => {
    const root = issue('x');
    store(root);
    const event = plainEvent({
      by: cat,
      kind: 1111,
      tags: [
        ['a', `30617:${cat}:mine`],
        ['e', root.id],
      ],
    });
    store(event);
    expect(index.byOthers(address('x'), [], plenty).events).toBe(2);
    const wide = plainEvent({
      by: cat,
      tags: [...Array(64).keys()].map((at) => ['a', `30617:${cat}:${at}`]).concat([['a', address('x')]]),
    });
    expect(quota({}).refusal(wide)).toBe('blocked: it is about more than 64 repositories');
  });

  it('leave room when they are deleted, and stay counted when only their parent is', () => {
    const root = issue('x', cat);
    store(root, plainEvent({ by: ben, kind: 1111, tags: [['e', root.id]] }));
    store(plainEvent({ by: cat, kind: 5, tags: [['e', root.id]] }));
    // The answer, and the deletion.
    expect(index.byOthers(address('x'), [], plenty).events).toBe(2);
    expect(index.get(root.id)).toBeUndefined();
  });

  it('may be deleted with a quarter more', () => {
    const bounded = quota({ repository: { events: 4, bytes: MIB } });
    const issues = times(4, () => issue('x'));
    store(...issues);
    const [first, second] = issues.map(({ id, pubkey }) =>
      plainEvent({
        by: pubkey,
        kind: 5,
        tags: [
          ['e', id],
          ['a', address('x')],
        ],
      }),
    );
    if (first === undefined || second === undefined) throw new Error('there are four');
    expect(bounded.refusal(first)).toBeUndefined();
  });
});

describe('events of one key (issue 11, point 10)', () => {
  it.each([
    ['a stranger', cat, 'stranger'],
    ['a maintainer', ben, 'member'],
  ] as const)('are accepted up to exactly the limit of %s', (_, by, which) => {
    const bounded = quota({ [which]: { events: 3, bytes: MIB } });
    store(issue('x', by), issue('y', by));
    const third = issue('x', by);
    expect(bounded.refusal(third)).toBeUndefined();
    store(third);
    expect(bounded.refusal(issue('x', by))).toBe(
      'blocked: one key may have 3 events of 1 MiB here: delete some of yours first',
    );
    // What takes the place of an event of theirs needs no room.
    const profile = (at: number) => plainEvent({ by, kind: 0, created_at: at });
    store(profile(1));
    expect(bounded.refusal(profile(2))).toBeUndefined();
  });

  it('of strangers about nothing here are accepted up to exactly a common limit', () => {
    const bounded = quota({ unclaimed: { events: 2, bytes: MIB } });
    const list = (by: string) => plainEvent({ by, kind: 10317 });
    store(list('1'.repeat(64)), list('2'.repeat(64)));
    expect(bounded.refusal(list(cat))).toBe(
      'blocked: there are too many events here that are about no repository here',
    );
    expect(bounded.refusal(list(ann))).toBeUndefined();
    expect(bounded.refusal(issue('x', cat))).toBeUndefined();
  });
});

describe('what is about no repository here', () => {
  const list = (by: string, tags: string[][] = []) => plainEvent({ by, kind: 10_317, tags });
  const profile = (by: string, tags: string[][] = []) => plainEvent({ by, kind: 0, tags });
  const keys = () => times(6, () => (++number).toString(16).padStart(64, '0'));

  it('are profiles and lists of servers, whatever they name', () => {
    for (const made of [list, profile]) {
      index = new EventIndex();
      const bounded = quota({ unclaimed: { events: 3, bytes: MIB } });
      const named = [[['a', `30617:${cat}:nowhere`]], [['a', address('x')]], [['e', issue('x').id]]];
      const answers = keys().map((by, at) => {
        const event = made(by, named[at % named.length]);
        const refusal = bounded.refusal(event);
        if (refusal === undefined) store(event);
        return refusal === undefined;
      });
      expect(answers).toEqual([true, true, true, false, false, false]);
      expect(index.unclaimed().events).toBe(3);
    }
  });

  it('is not what maintainers and the service say of the state of repositories, however much that is', () => {
    const bounded = quota({ unclaimed: { events: 3, bytes: 5_000 } });
    for (const by of keys()) {
      const refs = times(100, () => [`refs/heads/${++number}`, 'a'.repeat(40)]);
      store(plainEvent({ by, kind: 30_618, tags: [['d', 'x'], ...refs] }));
      store(plainEvent({ by, kind: 30_078, tags: [['d', 'x']], content: 'x'.repeat(1_000) }));
    }
    expect(index.unclaimed()).toEqual({ events: 0, bytes: 0 });
    expect(bounded.refusal(list(cat))).toBeUndefined();
  });
});

describe('what names only repositories that are not here', () => {
  const announcement = (identifier: string, at = 1) =>
    plainEvent({ by: ann, kind: 30617, created_at: at, tags: [['d', identifier]] });
  const few = { unclaimed: { events: 3, bytes: MIB } };
  const refused = 'blocked: there are too many events here that name only repositories elsewhere';
  const stranger = () => (++number).toString(16).padStart(64, '0');

  it('is accepted from strangers up to exactly a common limit, whatever addresses they make up', () => {
    const bounded = quota(few);
    const made: ((at: number) => NostrEvent)[] = [
      () => plainEvent({ by: stranger(), tags: [['a', `30617:${stranger()}:made-up`]] }),
      (at) => plainEvent({ by: stranger(), kind: 1, content: `${at}`, tags: [['q', address(`none-${at}`)]] }),
      (at) => plainEvent({ by: stranger(), kind: 5, created_at: at, tags: [['a', address(`none-${at}`)]] }),
    ];
    // Deletions get a quarter more, which of three is none.
    for (let at = 0; at < 9; at++) {
      const event = made[at % 3]?.(at) ?? announcement('x');
      expect(bounded.refusal(event)).toBe(at < 3 ? undefined : refused);
      if (at < 3) store(event);
    }
    expect(index.elsewhere().events).toBe(3);
    expect(index.unclaimed().events).toBe(0);
    expect(bounded.refusal(issue('x', cat))).toBeUndefined();
    expect(bounded.refusal(plainEvent({ by: ben, tags: [['a', address('none')]] }))).toBeUndefined();
  });

  it('counts there together with its answers, until one of the repositories is announced', () => {
    const root = plainEvent({ by: cat, tags: [['a', address('late')]] });
    const answer = plainEvent({ by: cat, kind: 1, tags: [['e', root.id]] });
    for (const order of [
      [root, answer],
      [answer, root],
    ]) {
      index = new EventIndex();
      store(...order);
      expect(index.elsewhere().events).toBe(2);
      store(announcement('late'));
      expect([index.elsewhere().events, index.unclaimed().events]).toEqual([0, 0]);
      expect(index.byOthers(address('late'), [ann], { events: 0, bytes: 0 }).events).toBe(2);
      // It stays there when the announcement is replaced, or goes.
      store(announcement('late', 2));
      store(plainEvent({ by: ann, kind: 5, created_at: 3, tags: [['a', address('late')]] }));
      expect(index.get(root.id)).toBeDefined();
      store(plainEvent({ by: cat, content: 'after', tags: [['a', address('late')]] }));
      // The announcement was here when the deletion came.
      expect(index.elsewhere().events).toBe(1);
    }
  });

  it('is taken from there by an announcement that comes again, whatever came since the last one went', () => {
    const about = () => plainEvent({ by: cat, content: `${++number}`, tags: [['a', address('again')]] });
    store(announcement('again', 1), about());
    for (let at = 2; at < 20; at += 2) {
      store(plainEvent({ by: ann, kind: 5, created_at: at, tags: [['a', address('again')]] }));
      const since = at % 4 === 0 ? [about(), about()] : [];
      store(...since);
      expect(index.elsewhere().events).toBe(since.length);
      store(announcement('again', at + 1));
      expect(index.elsewhere().events).toBe(0);
      store(about());
      expect(index.elsewhere().events).toBe(0);
    }
  });

  it('is bounded by repository if one is announced but not hosted here', () => {
    const bounded = quota({ ...few, repository: { events: 4, bytes: MIB } });
    store(announcement('other'));
    const about = () => plainEvent({ by: stranger(), tags: [['a', address('other')]] });
    // The announcement counts as one.
    for (let at = 0; at < 3; at++) {
      const event = about();
      expect(bounded.refusal(event)).toBeUndefined();
      store(event);
    }
    expect(bounded.refusal(about())).toBe(refused);
    expect(index.elsewhere().events).toBe(0);
  });

  it('finds no more room by replacing events about other repositories', () => {
    const bounded = quota(few);
    const by = stranger();
    const made = (d: number, at: number, to: string) =>
      plainEvent({
        by,
        kind: 30_999,
        created_at: at,
        tags: [
          ['d', `${d}`],
          ['a', to],
        ],
      });
    store(announcement('x'));
    for (let d = 0; d < 6; d++) store(made(d, 1, address('x')));
    expect(index.elsewhere().events).toBe(0);
    for (let d = 0; d < 6; d++) {
      const event = made(d, 2, `30617:${cat}:${d}`);
      if (bounded.refusal(event) === undefined) store(event);
    }
    expect(index.elsewhere().events).toBe(3);
  });

  it(`is the same in every order of arrival (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const names = ['x', 'y', 'z', 'none', 'nowhere'];
    const events = times(60, () =>
      plainEvent({
        by: stranger(),
        content: `${++number}`,
        tags: names.filter(() => random.below(3) === 0).map((name) => ['a', address(name)]),
      }),
    );
    const announced = ['x', 'y', 'z'].map((name) => announcement(name));
    const isElsewhere = ({ tags }: NostrEvent) =>
      tags.length > 0 && !tags.some(([, value = '']) => ['x', 'y', 'z'].map(address).includes(value));
    for (let round = 0; round < 5; round++) {
      index = new EventIndex();
      const order = [...events, ...announced].map((event) => ({ event, at: random.fraction() }));
      store(...order.sort((one, other) => one.at - other.at).map(({ event }) => event));
      expect(index.elsewhere().events).toBe(events.filter(isElsewhere).length);
    }
  });
});

describe('the memory of the index (issue 11, point 10)', () => {
  it('is available to strangers up to four fifths, and fully to others', () => {
    const full = 'blocked: this relay has no room for more events';
    expect(quota({}, 0.8 * 64 * MIB - 1).refusal(issue('x'))).toBeUndefined();
    expect(quota({}, 0.8 * 64 * MIB).refusal(issue('x'))).toBe(full);
    expect(quota({}, 64 * MIB - 1).refusal(issue('x', ben))).toBeUndefined();
    expect(quota({}, 64 * MIB).refusal(issue('x', ben))).toBe(full);
  });

  it('has room for a million events by default', () => {
    const { indexBytes, repository, stranger, member, unclaimed } = defaultRelayLimits.stored;
    expect(indexBytes).toBe(384 * MIB);
    expect(repository).toEqual({ events: 50_000, bytes: 128 * MIB });
    expect(stranger).toEqual({ events: 10_000, bytes: 64 * MIB });
    expect(member).toEqual({ events: 100_000, bytes: 512 * MIB });
    expect(unclaimed).toEqual({ events: 20_000, bytes: 32 * MIB });
    expect(defaultRelayLimits.perMinute).toEqual({ events: 1_200, bytes: 32 * MIB });
  });
});

describe('events that replace others (issue 11, point 10)', () => {
  const profile = (size: number, at: number, about: readonly string[] = []) =>
    plainEvent({
      by: cat,
      kind: 30_999,
      created_at: at,
      content: 'x'.repeat(size),
      tags: [['d', 'one'], ...about.map((identifier) => ['a', address(identifier)])],
    });

  it('need room for what they have more, in their key and in the repository', () => {
    store(profile(10, 1, ['x']));
    for (const limit of ['stranger', 'repository'] as const) {
      const bounded = quota({ [limit]: { events: 1, bytes: 1_000 } });
      expect(bounded.refusal(profile(10, 2, ['x']))).toBeUndefined();
      expect(bounded.refusal(profile(100, 2, ['x']))).toBeUndefined();
      expect(bounded.refusal(profile(2_000, 2, ['x']))).toMatch(/^blocked: /);
    }
    const full = quota({}, 64 * MIB);
    expect(full.refusal(profile(10, 2, ['x']))).toBeUndefined();
    expect(full.refusal(profile(11, 2, ['x']))).toMatch(/no room for more events/);
  });

  it('make a repository private although the room is used up', () => {
    const announcement = (at: number, ...more: readonly string[][]) =>
      plainEvent({ by: ann, kind: 30_617, created_at: at, tags: [['d', 'x'], ...more] });
    store(announcement(1));
    const hidden = announcement(2, ['cairn', 'private'], ['reader', cat]);
    expect(quota({}, 64 * MIB).refusal(hidden)).toBeUndefined();
    expect(quota({ member: { events: 1, bytes: 400 } }).refusal(hidden)).toBeUndefined();
    expect(quota({}, 80 * MIB).refusal(hidden)).toMatch(/no room for more events/);
  });

  it('are counted anew although there are as many as before, of the same size', () => {
    const event = (by: string, d: string, identifier: string, at = 1) =>
      plainEvent({
        by,
        kind: 30_999,
        created_at: at,
        tags: [
          ['d', d],
          ['a', address(identifier)],
        ],
      });
    const bounded = quota({ repository: { events: 3, bytes: MIB } });
    store(event(cat, '1', 'x'), event(cat, '2', 'x'), event(ben, '3', 'x'));
    expect(bounded.refusal(event(cat, '4', 'x'))).toBeUndefined();
    // Ben's is about another one now, and one of a stranger comes.
    store(event(ben, '3', 'y', 2), event(cat, '4', 'x'));
    expect(bounded.refusal(event(cat, '5', 'x'))).toMatch(/^blocked: /);
  });

  it('need room in a repository that the one before was not about', () => {
    store(profile(10, 1, ['x']), issue('y'));
    const bounded = quota({ repository: { events: 1, bytes: MIB } });
    expect(bounded.refusal(profile(10, 2, ['x']))).toBeUndefined();
    expect(bounded.refusal(profile(10, 2, ['x', 'y']))).toMatch(/^blocked: keys that do not maintain y/);
  });
});

describe(`random events of every kind (seed ${SEED}) (issue 11, point 10)`, () => {
  it('stay within every limit, and take no room from owners and maintainers', () => {
    const random = new SeededRandom(SEED);
    const limits = {
      stranger: { events: 6, bytes: 6_000 },
      repository: { events: 15, bytes: 12_000 },
      unclaimed: { events: 8, bytes: 5_000 },
    };
    const bounded = quota(limits);
    const strangers = times(6, () => random.hex(32));
    const stored = new Map<string, NostrEvent>();
    const refused = new Set<string>();
    for (let at = 1; at <= 1_500; at++) {
      const by = random.pick([...strangers, ben]);
      const kind = random.pick([1621, 0, 10_317, 30_999]);
      const about = ['x', 'y'].filter(() => random.below(2) === 0);
      const event = plainEvent({
        by,
        kind,
        created_at: at,
        content: 'x'.repeat(random.pick([0, 50, 400, 3_000])),
        tags: [['d', `${random.below(3)}`], ...about.map((identifier) => ['a', address(identifier)])],
      });
      const refusal = bounded.refusal(event);
      if (refusal !== undefined) {
        expect(by, refusal).not.toBe(ben);
        refused.add(refusal.slice(0, 30));
        continue;
      }
      store(event);
      const place = kind === 1621 ? event.id : `${kind} ${by} ${kind === 30_999 ? event.tags[0]?.[1] : ''}`;
      stored.set(place, event);
      const events = [...stored.values()].filter(({ pubkey }) => pubkey !== ben);
      const within = (some: readonly NostrEvent[], { events: most, bytes }: (typeof limits)['stranger']) => {
        expect(some.length, `seed ${SEED}, event ${at}`).toBeLessThanOrEqual(most);
        const sum = some.reduce((all, one) => all + Buffer.byteLength(encodeEvent(one)), 0);
        expect(sum, `seed ${SEED}, event ${at}`).toBeLessThanOrEqual(bytes);
      };
      const isAbout = (one: NostrEvent, identifier: string) =>
        ![0, 10_317].includes(one.kind) && one.tags.some(([, value]) => value === address(identifier));
      within(
        events.filter((one) => !isAbout(one, 'x') && !isAbout(one, 'y')),
        limits.unclaimed,
      );
      for (const key of strangers)
        within(
          events.filter(({ pubkey }) => pubkey === key),
          limits.stranger,
        );
      for (const identifier of ['x', 'y'])
        within(
          events.filter((one) => isAbout(one, identifier)),
          limits.repository,
        );
    }
    expect(refused.size).toBeGreaterThan(1);
  });
});
