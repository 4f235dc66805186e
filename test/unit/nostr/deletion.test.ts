import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../../src/nostr/address.ts';
import { parseDeletion } from '../../../src/nostr/deletion.ts';
import type { NostrEvent, Tag } from '../../../src/nostr/event.ts';
import { EventIndex } from '../../../src/relay/log/event-index.ts';
import { deletes } from '../../helpers/event-rules.ts';
import { alice, bob } from './authors.ts';

const address = { kind: 30_617, pubkey: alice.publicKey, identifier: 'a:b' };
const repository = (at: number, d = 'a:b', by = alice) => by.sign({ kind: 30_617, at, tags: [['d', d]] });
const issue = alice.sign({ kind: 1621, at: 50 });
const byBob = bob.sign({ kind: 1621, at: 50 });
const request = (tags: Tag[], at = 100) => {
  const result = parseDeletion(alice.sign({ kind: 5, at, tags }));
  if (!result.ok) throw new Error(result.reason);
  return result.value;
};

describe('a deletion request', () => {
  const earlier = alice.sign({ kind: 5, at: 10, tags: [['e', issue.id]] });
  const later = alice.sign({ kind: 1621, at: 200 });
  const at = (text = formatAddress(address)): Tag[] => [['a', text]];
  test.each<[string, Tag[], NostrEvent, boolean]>([
    ['takes back an event by its id', [['e', issue.id]], issue, true],
    ['takes back an event of a later date by its id', [['e', later.id]], later, true],
    ['leaves other events', [['e', later.id]], issue, false],
    [
      'leaves events of others',
      [
        ['e', byBob.id],
        ['e', issue.id],
      ],
      byBob,
      false,
    ],
    ['leaves deletion requests', [['e', earlier.id]], earlier, false],
    ['takes back what is at an address', at(), repository(99), true],
    ['takes back what is as old as itself', at(), repository(100), true],
    ['leaves what is newer', at(), repository(101), false],
    ['leaves another identifier', at(), repository(99, 'a'), false],
    ['leaves another kind', at(), alice.sign({ kind: 30_618, at: 99, tags: [['d', 'a:b']] }), false],
    ['leaves the repository of another owner', at(), repository(99, 'a:b', bob), false],
    [
      'takes back a replaceable event',
      at(`10317:${alice.publicKey}:`),
      alice.sign({ kind: 10_317, at: 1 }),
      true,
    ],
    [
      'takes back one version by its id, whatever its date',
      [['e', repository(101).id]],
      repository(101),
      true,
    ],
    [
      'needs the right event among many',
      [
        ['e', 'a'.repeat(64)],
        ['e', issue.id],
        ['k', '1621'],
      ],
      issue,
      true,
    ],
  ])('%s', (_what, tags, event, expected) => {
    expect(deletes(request(tags), event)).toBe(expected);
    const deletion = alice.sign({ kind: 5, at: 100, tags });
    for (const order of [
      [event, deletion],
      [deletion, event],
    ]) {
      const index = new EventIndex();
      for (const one of order) index.add(one, { hidden: false, at: 0 });
      expect(index.get(event.id) === undefined, 'the index').toBe(expected);
      expect(index.judge(event)).toBe(expected ? 'deleted' : 'duplicate');
      expect(index.get(deletion.id)).toEqual(deletion);
    }
  });

  test('names its author and its targets', () => {
    const event = alice.sign({
      kind: 5,
      at: 100,
      tags: [
        ['e', issue.id, 'wss://relay'],
        ['e', 'nonsense'],
        ['a', formatAddress(address)],
        ['a', formatAddress({ ...address, pubkey: bob.publicKey })],
        ['a', 'nonsense'],
      ],
    });
    expect(parseDeletion(event)).toEqual({
      ok: true,
      value: {
        id: event.id,
        author: alice.publicKey,
        at: 100,
        events: new Set([issue.id]),
        addresses: new Set([formatAddress(address)]),
      },
    });
  });

  test.each<[string, { kind: number; tags?: Tag[] }, string]>([
    ['another kind', { kind: 1, tags: [['e', issue.id]] }, 'its kind is 1'],
    ['nothing named', { kind: 5 }, 'names no event'],
    ['only a kind named', { kind: 5, tags: [['k', '30617']] }, 'names no event'],
    [
      'only an address of somebody else',
      { kind: 5, tags: [['a', formatAddress({ ...address, pubkey: bob.publicKey })]] },
      'names no event',
    ],
    ['only nonsense named', { kind: 5, tags: [['e', 'x'], ['e'], ['a', 'x']] }, 'names no event'],
  ])('with %s is refused', (_what, fields, reason) => {
    expect(parseDeletion(alice.sign(fields))).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });
});
