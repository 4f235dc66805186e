import { isAddressableKind, isEphemeralKind, isReplaceableKind } from 'nostr-tools/kinds';
import { sortEvents } from 'nostr-tools/pure';
import { describe, expect, test } from 'vitest';
import { addressOf, formatAddress, parseAddress } from '../../../src/nostr/address.ts';
import { eventClass } from '../../../src/nostr/event-class.ts';
import { newestFirst } from '../../../src/nostr/event-order.ts';
import { EventIndex } from '../../../src/relay/log/event-index.ts';
import { replaces } from '../../helpers/event-rules.ts';
import { alice, bob } from './authors.ts';

test('every kind has the class of nostr-tools', () => {
  for (let kind = 0; kind <= 65_535; kind += 1) {
    const expected = isReplaceableKind(kind)
      ? 'replaceable'
      : isEphemeralKind(kind)
        ? 'ephemeral'
        : isAddressableKind(kind)
          ? 'addressable'
          : 'regular';
    if (eventClass(kind) !== expected) expect([kind, eventClass(kind)]).toEqual([kind, expected]);
  }
});

describe('addresses', () => {
  const key = alice.publicKey;

  test.each([
    ['30617', 'project'],
    ['30617', ''],
    ['30617', 'with:colons:and more'],
    ['30617', ':'],
    ['10002', ''],
    ['0', ''],
    ['65535', 'line\nbreak'],
  ])('%s of "%s" is written and read', (kind, identifier) => {
    const text = `${kind}:${key}:${identifier}`;
    expect(parseAddress(text)).toEqual({ kind: Number(kind), pubkey: key, identifier });
    expect(formatAddress({ kind: Number(kind), pubkey: key, identifier })).toBe(text);
  });

  test.each([
    '',
    '30617',
    `30617:${key}`,
    `030617:${key}:x`,
    `+30617:${key}:x`,
    `3.5:${key}:x`,
    `65536:${key}:x`,
    `999999:${key}:x`,
    `:${key}:x`,
    `30617:${key.toUpperCase()}:x`,
    `30617:${key.slice(1)}:x`,
    `30617/${key}/x`,
    ` 30617:${key}:x`,
  ])('%j is refused', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('an event has an address if its class has addresses', () => {
    const tags = [['d', 'project']];
    expect(addressOf({ kind: 30_617, pubkey: key, tags })).toEqual({
      kind: 30_617,
      pubkey: key,
      identifier: 'project',
    });
    expect(addressOf({ kind: 30_617, pubkey: key, tags: [] })?.identifier).toBe('');
    expect(addressOf({ kind: 30_617, pubkey: key, tags: [['d']] })?.identifier).toBe('');
    expect(addressOf({ kind: 10_002, pubkey: key, tags })?.identifier).toBe('');
    expect(addressOf({ kind: 1621, pubkey: key, tags })).toBeUndefined();
    expect(addressOf({ kind: 20_001, pubkey: key, tags })).toBeUndefined();
  });
});

describe('the order of events', () => {
  const events = [3, 1, 2, 2, 2].map((at, index) => alice.sign({ kind: 1, at, content: String(index) }));

  test('is that of nostr-tools: newest first, then the lower id', () => {
    const expected = sortEvents(events.map((event) => ({ ...event, tags: [] }))).map((event) => event.id);
    expect(events.toSorted(newestFirst).map((event) => event.id)).toEqual(expected);
    expect(
      events
        .toReversed()
        .toSorted(newestFirst)
        .map((event) => event.id),
    ).toEqual(expected);
  });

  test('puts no event before itself', () => {
    const [event] = events;
    if (event !== undefined) expect(newestFirst(event, event)).toBe(0);
  });
});

describe('replacement of events', () => {
  const of = (kind: number, at: number, d: string, content = '', by = alice) =>
    by.sign({ kind, at, tags: [['d', d]], content });
  const [one, two] = [of(30_617, 5, 'x', '1'), of(30_617, 5, 'x', '2')];
  const [lower, higher] = one.id < two.id ? [one, two] : [two, one];

  test.each([
    ['newer', of(30_617, 6, 'x'), lower, true],
    ['older', of(30_617, 4, 'x'), lower, false],
    ['as old with the lower id', lower, higher, true],
    ['as old with the higher id', higher, lower, false],
    ['itself', lower, lower, false],
    ['another identifier', of(30_617, 6, 'y'), lower, false],
    ['another kind', of(30_618, 6, 'x'), lower, false],
    ['another author', of(30_617, 6, 'x', '', bob), lower, false],
    ['a replaceable kind, whatever its d tag', of(10_317, 6, 'a'), of(10_317, 5, 'b'), true],
    ['a regular kind', of(1621, 6, 'x'), of(1621, 5, 'x'), false],
    ['an ephemeral kind', of(20_001, 6, 'x'), of(20_001, 5, 'x'), false],
  ])('%s', (_what, event, other, expected) => {
    expect(replaces(event, other)).toBe(expected);
    for (const order of [
      [event, other],
      [other, event],
    ]) {
      const index = new EventIndex();
      for (const one of order) index.add(one, { hidden: false, at: 0 });
      expect(index.get(other.id) === undefined, 'the index').toBe(expected);
    }
  });
});
