import { describe, expect, it } from 'vitest';
import { runToEnd } from '../../../../src/lib/cooperative.ts';
import type { NostrEvent } from '../../../../src/nostr/event.ts';
import { newestFirst } from '../../../../src/nostr/event-order.ts';
import { type Filter, matches, parseFilter } from '../../../../src/nostr/filter.ts';
import { EventIndex, HIDDEN_SECONDS } from '../../../../src/relay/log/event-index.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { ann, ben, cat, plainEvent } from '../plain-events.ts';

const NOW = 1_700_000_100;
const everything = { limit: 500, now: NOW, visible: () => true };
const shown = { hidden: false, at: NOW };
const hidden = { hidden: true, at: NOW };

function filter(json: object): Filter {
  const parsed = parseFilter(json);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

function indexOf(...events: readonly NostrEvent[]): EventIndex {
  const index = new EventIndex();
  for (const event of events) index.add(event, shown);
  return index;
}

function idsOf(events: readonly NostrEvent[]): string[] {
  return events.map(({ id }) => id);
}

const announcement = (by: string, at: number, d = 'x') =>
  plainEvent({ by, kind: 30617, created_at: at, tags: [['d', d]] });

describe('standing events', () => {
  const older = announcement(ann, 100);
  const newer = announcement(ann, 200);
  const twins = ['one', 'two']
    .map((content) => plainEvent({ kind: 30618, tags: [['d', 'x']], content }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const [lower, higher] = twins;
  if (lower === undefined || higher === undefined) throw new Error('there are two');

  it('include every regular event once', () => {
    const issue = plainEvent({ content: 'an issue' });
    const index = indexOf(issue, plainEvent({ content: 'another' }));
    expect(index.add(issue, shown)).toBe('duplicate');
    expect(index.size).toBe(2);
  });

  it.each([
    ['the newer one at an address', [older, newer], newer],
    ['the newer one, come first', [newer, older], newer],
    ['of one second the lower id', [higher, lower], lower],
    ['of one second the lower id, come first', [lower, higher], lower],
  ])('include %s', (_, events, kept) => {
    const index = indexOf(...events);
    expect(idsOf(index.query([filter({})], everything))).toEqual([kept.id]);
    expect(index.get(kept.id)).toEqual(kept);
    expect(events.map((event) => index.judge(event)).sort()).toEqual(['duplicate', 'superseded']);
  });

  it('include one profile per key', () => {
    const profiles = [1, 2].flatMap((at) =>
      [ann, ben].map((by) => plainEvent({ by, kind: 0, created_at: at })),
    );
    const index = indexOf(...profiles);
    expect(index.size).toBe(2);
    expect(index.latest(0, ben, '')?.created_at).toBe(2);
  });

  it('include the newest announcement of every key', () => {
    const index = indexOf(older, newer, announcement(ben, 50), announcement(ben, 60, 'y'));
    const found = index.announcements('x').map(({ pubkey, created_at }) => [pubkey, created_at]);
    expect(found.sort()).toEqual([
      [ann, 200],
      [ben, 50],
    ]);
    expect(index.announcements('z')).toEqual([]);
  });
});

describe('deletion (NIP-09)', () => {
  const issue = plainEvent({ content: 'an issue' });
  const byId = plainEvent({ kind: 5, created_at: 10, tags: [['e', issue.id]] });
  const foreign = plainEvent({ by: ben, kind: 5, tags: [['e', issue.id]] });
  const old = announcement(ann, 100);
  const same = announcement(ann, 200);
  const later = announcement(ann, 201);
  const byAddress = plainEvent({ kind: 5, created_at: 200, tags: [['a', `30617:${ann}:x`]] });

  it.each([
    ['an event', [issue, byId], [byId]],
    ['an event that comes after the request', [byId, issue], [byId]],
    ['nothing of another author', [issue, foreign], [issue, foreign]],
    ['nothing of another author that comes later', [foreign, issue], [issue, foreign]],
    ['an address up to the date of the request', [old, same, byAddress], [byAddress]],
    ['what is of that date, come later', [byAddress, same], [byAddress]],
    ['nothing newer at that address', [later, byAddress], [later, byAddress]],
    ['nothing newer at that address, come later', [byAddress, later], [later, byAddress]],
    [
      'the newest at an address, and no older one comes to stand again',
      [same, plainEvent({ kind: 5, tags: [['e', same.id]] }), old],
      [plainEvent({ kind: 5, tags: [['e', same.id]] })],
    ],
    [
      'what an event displaces that was taken back before it came',
      [old, plainEvent({ kind: 5, tags: [['e', same.id]] }), same],
      [plainEvent({ kind: 5, tags: [['e', same.id]] })],
    ],
    ['no other request', [byId, plainEvent({ kind: 5, tags: [['e', byId.id]] })], undefined],
  ])('removes %s', (_, events, standing = events) => {
    const index = indexOf(...events);
    expect(idsOf(index.query([filter({})], everything)).sort()).toEqual(idsOf(standing).sort());
    const gone = events.filter(({ id }) => !idsOf(standing).includes(id));
    expect(gone.map((event) => index.judge(event))).toEqual(gone.map(() => 'deleted'));
  });

  it('removes hidden events too', () => {
    const index = new EventIndex();
    index.add(same, hidden);
    index.add(byAddress, shown);
    expect(index.get(same.id)).toBeUndefined();
    expect(index.add(same, hidden)).toBe('deleted');
  });
});

describe('hidden events', () => {
  const waiting = announcement(ann, 200);
  const before = announcement(ann, 100);

  it('are found by id and address only', () => {
    const index = new EventIndex();
    expect(index.add(waiting, hidden)).toBe('stored');
    expect(index.get(waiting.id)).toEqual(waiting);
    expect(index.isHidden(waiting.id)).toBe(true);
    expect(index.latest(30617, ann, 'x')).toEqual(waiting);
    expect(index.announcements('x')).toEqual([waiting]);
    for (const json of [{}, { ids: [waiting.id] }, { kinds: [30617] }, { '#d': ['x'] }]) {
      expect(index.query([filter(json)], everything)).toEqual([]);
      expect(runToEnd(index.counting([filter(json)], everything))).toBe(0);
    }
  });

  it('become visible when they are added again', () => {
    const index = new EventIndex();
    index.add(waiting, hidden);
    expect(index.add(waiting, hidden)).toBe('duplicate');
    expect(index.judge(waiting)).toBe('stored');
    expect(index.add(waiting, shown)).toBe('stored');
    expect(index.isHidden(waiting.id)).toBe(false);
    expect(index.query([filter({ '#d': ['x'] })], everything)).toEqual([waiting]);
    expect(index.add(waiting, hidden)).toBe('duplicate');
    expect(index.size).toBe(1);
  });

  it.each([
    ['before', [before, waiting]],
    ['after', [waiting, before]],
  ])('leave an older visible one visible that came %s', (_, order) => {
    const index = new EventIndex();
    for (const event of order) index.add(event, event === waiting ? hidden : shown);
    expect(index.query([filter({})], everything)).toEqual([before]);
    expect(index.latest(30617, ann, 'x')).toEqual(waiting);
    index.add(waiting, shown);
    expect(index.query([filter({})], everything)).toEqual([waiting]);
    expect(index.get(before.id)).toBeUndefined();
  });

  it('are removed when a newer visible one comes, and refused after it', () => {
    const index = new EventIndex();
    index.add(before, hidden);
    index.add(waiting, shown);
    expect(index.get(before.id)).toBeUndefined();
    expect(index.add(before, hidden)).toBe('superseded');
  });

  it('are forgotten after their time, and the visible one is the latest again', () => {
    const index = new EventIndex();
    index.add(before, shown);
    index.add(waiting, hidden);
    index.dropOutdated(NOW + HIDDEN_SECONDS);
    expect(index.latest(30617, ann, 'x')).toEqual(waiting);
    index.dropOutdated(NOW + HIDDEN_SECONDS + 1);
    expect(index.get(waiting.id)).toBeUndefined();
    expect(index.announcements('x')).toEqual([before]);
  });
});

describe('expiry (NIP-40)', () => {
  const event = plainEvent({ tags: [['expiration', String(NOW)]] });

  it('hides expired events, from exactly that second', () => {
    const index = indexOf(event);
    expect(index.query([filter({})], { ...everything, now: NOW - 1 })).toEqual([event]);
    expect(index.query([filter({})], everything)).toEqual([]);
    expect(index.query([filter({ ids: [event.id] })], everything)).toEqual([]);
    expect(runToEnd(index.counting([filter({})], everything))).toBe(0);
  });

  it('removes them', () => {
    const index = indexOf(event);
    index.dropOutdated(NOW);
    expect(index.size).toBe(0);
  });
});

describe('references to an event', () => {
  it.each(['e', 'E', 'q', 'a', 'A'])(
    'by %s are known, of visible and hidden events, while those stand',
    (letter) => {
      const target = letter.toLowerCase() === 'a' ? `30617:${ann}:x` : '1'.repeat(64);
      const referring = plainEvent({ tags: [[letter, target]] });
      for (const standing of [shown, hidden]) {
        const index = new EventIndex();
        expect(index.isReferredTo(target)).toBe(false);
        index.add(referring, standing);
        expect(index.isReferredTo(target)).toBe(true);
        index.add(plainEvent({ kind: 5, tags: [['e', referring.id]] }), shown);
        expect(index.get(referring.id)).toBeUndefined();
        if (target !== referring.id) expect(index.isReferredTo(target)).toBe(false);
      }
    },
  );

  it('by other tags, or in later positions, do not count', () => {
    const index = indexOf(
      plainEvent({
        tags: [
          ['p', ann],
          ['e', '', ann],
          ['alt', ann],
        ],
      }),
    );
    expect(index.isReferredTo(ann)).toBe(false);
  });
});

describe('queries', () => {
  const random = new SeededRandom(7);
  const authors = [ann, ben, cat];
  const some = (values: readonly string[]) => values.filter(() => random.below(3) === 0);
  const events = Array.from({ length: 600 }, (_, number) =>
    plainEvent({
      by: random.pick(authors),
      kind: random.pick([1621, 1111, 1985, 30618]),
      created_at: 1_700_000_000 + random.below(40),
      content: String(number),
      tags: [
        ['d', `d${random.below(30)}`],
        ...some(['x', 'y', 'z']).map((value) => ['t', value]),
        ...some(['x', 'y']).map((value) => ['T', value]),
        ['t', 'x'],
      ],
    }),
  );
  const index = indexOf(...events);
  const standing = events.filter(({ id }) => index.get(id) !== undefined).sort(newestFirst);

  function randomFilter(): Filter {
    const second = () => 1_700_000_000 + random.below(40);
    const maybe = <T>(value: T) => (random.below(2) === 0 ? value : undefined);
    const conditions = {
      ids: random.below(6) === 0 ? events.filter(() => random.below(9) === 0).map(({ id }) => id) : undefined,
      authors: maybe(some(authors)),
      kinds: maybe([1621, 30618, 7].slice(random.below(3))),
      '#t': maybe(some(['x', 'y', 'z', 'none'])),
      '#T': random.below(4) === 0 ? ['x'] : undefined,
      since: maybe(second()),
      until: maybe(second()),
      limit: maybe(random.below(30)),
    };
    return filter(JSON.parse(JSON.stringify(conditions)) as object);
  }

  it('have the answers of a full scan', () => {
    expect(standing.length).toBeGreaterThan(300);
    for (let round = 0; round < 500; round++) {
      const filters = Array.from({ length: 1 + random.below(3) }, randomFilter);
      const visible = round % 2 === 0 ? () => true : (event: NostrEvent) => event.pubkey !== ben;
      const options = { limit: 1 + random.below(100), now: NOW, visible };
      const candidates = filters.map((one) =>
        standing.filter((event) => matches(one, event) && visible(event)),
      );
      const wanted = new Set(
        candidates.flatMap((list, at) => list.slice(0, filters[at]?.limit ?? Number.MAX_SAFE_INTEGER)),
      );
      const expected = standing.filter((event) => wanted.has(event)).slice(0, options.limit);
      expect(idsOf(index.query(filters, options))).toEqual(idsOf(expected));
      expect(runToEnd(index.counting(filters, options))).toBe(new Set(candidates.flat()).size);
    }
  });

  it('find no removed events by any path', () => {
    const emptied = indexOf(...events);
    for (const author of authors) {
      const theirs = standing.filter(({ pubkey }) => pubkey === author);
      emptied.add(plainEvent({ by: author, kind: 5, tags: theirs.map(({ id }) => ['e', id]) }), shown);
    }
    for (const json of [
      { kinds: [1621, 1111, 1985, 30618] },
      { '#t': ['x', 'y', 'z'] },
      { '#T': ['x', 'y'] },
    ]) {
      expect(emptied.query([filter(json)], everything)).toEqual([]);
    }
    expect(emptied.size).toBe(authors.length);
  });

  it('have the same answers for any order of events', () => {
    const deletions = authors.map((by) =>
      plainEvent({
        by,
        kind: 5,
        created_at: 1_700_000_020,
        tags: [['a', `30618:${by}:d3`], ...events.slice(0, 50).map(({ id }) => ['e', id])],
      }),
    );
    const all = [...events, ...deletions];
    const reference = idsOf(indexOf(...all).query([filter({})], { ...everything, limit: 1_000 }));
    for (let round = 0; round < 5; round++) {
      const shuffled = all
        .map((event) => ({ event, place: random.fraction() }))
        .sort((a, b) => a.place - b.place)
        .map(({ event }) => event);
      const found = indexOf(...shuffled).query([filter({})], { ...everything, limit: 1_000 });
      expect(idsOf(found)).toEqual(reference);
    }
  });
});
