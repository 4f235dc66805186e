import { type Filter as ByNostrTools, matchFilter } from 'nostr-tools/filter';
import { describe, expect, test } from 'vitest';
import { type FilterLimits, matcherOf, matches, parseFilter } from '../../../src/nostr/filter.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { alice, bob } from './authors.ts';

const id = 'a'.repeat(64);
const limits: FilterLimits = { maxValues: 3, maxValueBytes: 5 };

describe('a filter of a stranger', () => {
  test('is read with all fields of NIP-01', () => {
    const parsed = parseFilter({
      ids: [id, id],
      authors: [bob.publicKey],
      kinds: [0, 30_617, 65_535],
      '#e': [id],
      '#d': ['x', ''],
      '#E': ['anything'],
      since: 0,
      until: 5,
      limit: 0,
    });
    expect(parsed).toEqual({
      ok: true,
      value: {
        ids: new Set([id]),
        authors: new Set([bob.publicKey]),
        kinds: new Set([0, 30_617, 65_535]),
        tags: new Map([
          ['e', new Set([id])],
          ['d', new Set(['x', ''])],
          ['E', new Set(['anything'])],
        ]),
        since: 0,
        until: 5,
        limit: 0,
      },
    });
  });

  test('may be empty, and its lists too', () => {
    expect(parseFilter({})).toEqual({ ok: true, value: { tags: new Map() } });
    expect(parseFilter({ ids: [], '#t': [] })).toEqual({
      ok: true,
      value: { ids: new Set(), tags: new Map([['t', new Set()]]) },
    });
  });

  test.each<[string, unknown, 'invalid' | 'unsupported', string]>([
    ['null', null, 'invalid', 'JSON object'],
    ['an array', [], 'invalid', 'JSON object'],
    ['a string', '{}', 'invalid', 'JSON object'],
    ['an id prefix', { ids: ['abcd'] }, 'invalid', 'ids'],
    ['an id in upper case', { ids: [id.toUpperCase()] }, 'invalid', 'ids'],
    ['an id that is no list', { ids: id }, 'invalid', 'ids'],
    [
      'an npub',
      { authors: ['npub10xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqpkge6d'] },
      'invalid',
      'authors',
    ],
    ['null for authors', { authors: null }, 'invalid', 'authors'],
    ['an event id cut short', { '#e': [id.slice(1)] }, 'invalid', '#e'],
    ['a number as key', { '#p': [1] }, 'invalid', '#p'],
    ['a kind in a string', { kinds: ['1'] }, 'invalid', 'kinds'],
    ['a kind too large', { kinds: [65_536] }, 'invalid', 'kinds'],
    ['a negative kind', { kinds: [-1] }, 'invalid', 'kinds'],
    ['a fractional since', { since: 1.5 }, 'invalid', 'since'],
    ['until in a string', { until: '5' }, 'invalid', 'until'],
    ['until beyond what is exact', { until: 2 ** 64 }, 'invalid', 'until'],
    ['a negative limit', { limit: -1 }, 'invalid', 'limit'],
    ['null for limit', { limit: null }, 'invalid', 'limit'],
    ['a tag value that is no string', { '#t': ['a', null] }, 'invalid', '#t'],
    ['a tag that is no list', { '#t': { a: 1 } }, 'invalid', '#t'],
    ['a search', { search: 'x' }, 'unsupported', 'unknown elements'],
    ['a tag of two letters', { '#dd': ['x'] }, 'unsupported', 'unknown elements'],
    ['a tag that is no letter', { '#1': ['x'] }, 'unsupported', 'unknown elements'],
    ['a tag without a letter', { '#': ['x'] }, 'unsupported', 'unknown elements'],
    ['all of several tags', { '&t': ['x'] }, 'unsupported', 'unknown elements'],
    ['a prototype', JSON.parse('{"__proto__": {"ids": []}}'), 'unsupported', 'unknown elements'],
  ])('%s is refused', (_what, value, prefix, reason) => {
    expect(parseFilter(value)).toEqual({ ok: false, prefix, reason: expect.stringContaining(reason) });
  });

  test.each<[string, object, boolean]>([
    ['as many values as allowed', { kinds: [1, 2], '#t': ['x'] }, true],
    ['one more', { kinds: [1, 2], '#t': ['x', 'y'] }, false],
    ['one more of what nobody knows', { xs: [1, 2, 3, 4] }, false],
    ['a value as long as allowed', { '#t': ['éé5'] }, true],
    ['a value one byte longer', { '#t': ['éé56'] }, false],
  ])('%s', (_what, value, ok) => {
    expect(parseFilter(value, limits).ok).toBe(ok);
  });
});

describe('matching events', () => {
  const event = alice.sign({
    kind: 1621,
    at: 100,
    tags: [['t', 'bug', 'second'], ['t', 'ui'], ['T', 'upper'], ['x'], ['e', id]],
  });

  test.each<[string, object, boolean]>([
    ['nothing asked', {}, true],
    ['its id', { ids: [id, event.id] }, true],
    ['another id', { ids: [id] }, false],
    ['its author', { authors: [alice.publicKey] }, true],
    ['another author', { authors: [bob.publicKey] }, false],
    ['its kind', { kinds: [1, 1621] }, true],
    ['another kind', { kinds: [1] }, false],
    ['since its second', { since: 100 }, true],
    ['since a second later', { since: 101 }, false],
    ['until its second', { until: 100 }, true],
    ['until a second before', { until: 99 }, false],
    ['one of its tags', { '#t': ['ui', 'other'] }, true],
    ['none of its tags', { '#t': ['other'] }, false],
    ['a second value of a tag', { '#t': ['second'] }, false],
    ['a tag in the other case', { '#T': ['bug'] }, false],
    ['an upper-case tag', { '#T': ['upper'] }, true],
    ['a tag without a value', { '#x': [''] }, false],
    ['two tags', { '#t': ['bug'], '#e': [id] }, true],
    ['two tags, one of which it has not', { '#t': ['bug'], '#p': [id] }, false],
    ['everything right but the kind', { ids: [event.id], kinds: [1] }, false],
    ['no ids at all', { ids: [] }, false],
    ['no kinds at all', { kinds: [] }, false],
    ['no tags at all', { '#t': [] }, false],
    ['a limit of nothing', { limit: 0 }, true],
  ])('%s', (_what, value, expected) => {
    const parsed = parseFilter(value);
    expect(parsed.ok && matches(parsed.value, event)).toBe(expected);
  });

  test('equals nostr-tools on thousands of filters', () => {
    const random = new SeededRandom(5);
    const some = <T>(values: readonly T[]): T[] => values.filter(() => random.fraction() < 0.4);
    const keys = [alice.publicKey, bob.publicKey, 'c'.repeat(64)];
    const ids = ['1', '2', '3', '4'].map((digit) => digit.repeat(64));
    const words = ['a', 'b', 'c', ''];
    let matched = 0;
    for (let round = 0; round < 5000; round += 1) {
      const candidate = {
        ...event,
        id: random.pick(ids),
        pubkey: random.pick(keys),
        kind: random.pick([1, 5, 7]),
        created_at: random.below(10),
        tags: Array.from({ length: 3 }, () => [random.pick(['d', 't', 'D']), ...some(words)]),
      };
      const asked: ByNostrTools = {};
      if (random.fraction() < 0.3) asked.ids = some(ids);
      if (random.fraction() < 0.3) asked.authors = some(keys);
      if (random.fraction() < 0.3) asked.kinds = some([1, 5, 7]);
      if (random.fraction() < 0.3) asked.since = random.below(10);
      if (random.fraction() < 0.3) asked.until = random.below(10) + 1;
      if (random.fraction() < 0.3) asked['#t'] = some(words);
      if (random.fraction() < 0.3) asked['#D'] = some(words);
      // nostr-tools takes since 0 for no condition, which at these times it is as well.
      const expected = matchFilter(asked, candidate);
      const parsed = parseFilter(asked);
      const found = parsed.ok && matches(parsed.value, candidate);
      if (parsed.ok) expect(matcherOf(candidate)(parsed.value)).toBe(found);
      if (found !== expected)
        expect({ asked, candidate, found }).toEqual({ asked, candidate, found: expected });
      if (found) matched += 1;
    }
    expect(matched).toBeGreaterThan(200);
  });
});

test('a matcher reads the tags of an event once for any number of filters', () => {
  let read = 0;
  const tags = Array.from({ length: 1_000 }, (_, number) => {
    const tag = ['t', `value ${number}`];
    Object.defineProperty(tag, 1, {
      get: () => {
        read++;
        return `value ${number}`;
      },
    });
    return tag;
  });
  const asked = matcherOf({ id, pubkey: id, kind: 1, created_at: 1, tags, content: '', sig: '' });
  for (let number = 0; number < 100; number++) {
    const parsed = parseFilter({ '#t': [`value ${number * 20}`] });
    expect(parsed.ok && asked(parsed.value)).toBe(number < 50);
  }
  expect(read).toBe(1_000);
});
