import { expect, test } from 'vitest';
import { encodeEvent } from '../../../src/nostr/event.ts';
import { parseRelayAnswer, type RelayAnswer } from '../../../src/nostr/relay-answer.ts';
import {
  acceptedMessage,
  authMessage,
  closedMessage,
  countMessage,
  endOfStoredMessage,
  eventMessage,
  noticeMessage,
  rejectedMessage,
} from '../../../src/nostr/relay-message.ts';
import { alice } from './authors.ts';

const event = alice.sign({ kind: 1621, content: 'broken' });

test.each<[string, string, RelayAnswer]>([
  ['an event', eventMessage('s', encodeEvent(event)), { type: 'EVENT', subscription: 's', event }],
  [
    'an accepted event',
    acceptedMessage(event.id, 'purgatory: push the commits'),
    { type: 'OK', eventId: event.id, accepted: true, note: 'purgatory: push the commits' },
  ],
  [
    'a rejected event',
    rejectedMessage(event.id, 'blocked: no'),
    { type: 'OK', eventId: event.id, accepted: false, note: 'blocked: no' },
  ],
  ['the end of what was stored', endOfStoredMessage('s'), { type: 'EOSE', subscription: 's' }],
  [
    'a closed subscription',
    closedMessage('s', 'error: overloaded'),
    { type: 'CLOSED', subscription: 's', reason: 'error: overloaded' },
  ],
  ['a notice', noticeMessage('hello'), { type: 'NOTICE', text: 'hello' }],
  ['a challenge', authMessage('abc'), { type: 'AUTH', challenge: 'abc' }],
  ['what was not asked for', countMessage('q', 3), { type: 'other' }],
  [
    'an OK without a note, as some relays send it',
    JSON.stringify(['OK', event.id, true]),
    { type: 'OK', eventId: event.id, accepted: true, note: '' },
  ],
])('a message of a relay is read: %s', (_what, text, expected) => {
  expect(parseRelayAnswer(text)).toEqual({ ok: true, value: expected });
});

test.each<[string, string]>([
  ['no JSON', 'hello'],
  ['no array', '{"EVENT":1}'],
  ['an event that is none', JSON.stringify(['EVENT', 's', { ...event, id: 'x' }])],
  ['an event for nobody', JSON.stringify(['EVENT', 7, event])],
  ['an OK that is neither yes nor no', JSON.stringify(['OK', event.id, 'true', ''])],
  ['an end of nothing', JSON.stringify(['EOSE'])],
  ['a close of nothing', JSON.stringify(['CLOSED', null])],
  ['a challenge without one', JSON.stringify(['AUTH'])],
])('%s is refused', (_what, text) => {
  expect(parseRelayAnswer(text)).toMatchObject({ ok: false });
});

test('the state of a repository is read with more refs than the relay itself would accept', () => {
  const tags = Array.from({ length: 20_000 }, (_, n) => [`refs/heads/b${n}`, 'a'.repeat(40)]);
  const large = alice.sign({ kind: 30_618, tags: [['d', 'x'], ...tags] });
  expect(parseRelayAnswer(eventMessage('s', encodeEvent(large)))).toMatchObject({ ok: true });
});
