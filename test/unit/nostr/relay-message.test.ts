import { expect, test } from 'vitest';
import { encodeEvent } from '../../../src/nostr/event.ts';
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

const event = alice.sign({ kind: 1621, tags: [['t', '"x"']], content: 'line\nbreak' });

test.each<[string, string, unknown[]]>([
  ['an event', eventMessage('s"1', encodeEvent(event)), ['EVENT', 's"1', event]],
  ['an accepted event', acceptedMessage(event.id), ['OK', event.id, true, '']],
  [
    'an event that waits for its data',
    acceptedMessage(event.id, 'purgatory: push the commits'),
    ['OK', event.id, true, 'purgatory: push the commits'],
  ],
  [
    'a rejected event',
    rejectedMessage(event.id, 'auth-required: who are you?'),
    ['OK', event.id, false, 'auth-required: who are you?'],
  ],
  ['the end of what was stored', endOfStoredMessage('s'), ['EOSE', 's']],
  ['a closed subscription', closedMessage('s', 'error: overloaded'), ['CLOSED', 's', 'error: overloaded']],
  ['a notice', noticeMessage('hello "you"'), ['NOTICE', 'hello "you"']],
  ['a challenge', authMessage('abc'), ['AUTH', 'abc']],
  ['a count', countMessage('q', 3), ['COUNT', 'q', { count: 3 }]],
])('%s', (_what, text, expected) => {
  expect(JSON.parse(text)).toEqual(expected);
});
