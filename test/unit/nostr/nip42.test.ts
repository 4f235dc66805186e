import { makeAuthEvent } from 'nostr-tools/nip42';
import { describe, expect, test } from 'vitest';
import { checkRelayAuth } from '../../../src/nostr/nip42.ts';
import { createSigner } from '../../../src/nostr/sign.ts';
import { alice } from './authors.ts';

const at = 1_700_000_000;
const context = { relayUrl: 'wss://git.example.com', challenge: 'c0ffee', now: at };
const signer = createSigner(alice.secretKey);
const tags = [
  ['relay', 'wss://git.example.com'],
  ['challenge', 'c0ffee'],
];
const check = (fields: object, now = at) =>
  checkRelayAuth(signer.sign({ kind: 22_242, created_at: at, tags, content: '', ...fields }), {
    ...context,
    now,
  });

test('an event of nostr-tools is accepted', () => {
  const event = signer.sign(makeAuthEvent('wss://git.example.com', 'c0ffee'));
  expect(checkRelayAuth(event, { ...context, now: event.created_at })).toEqual({
    ok: true,
    value: alice.publicKey,
  });
});

describe('an authentication event is accepted:', () => {
  test.each<[string, object, number]>([
    ['as asked', {}, at],
    ['ten minutes late', {}, at + 600],
    ['ten minutes early', {}, at - 600],
    [
      'a relay with a slash',
      {
        tags: [
          ['challenge', 'c0ffee'],
          ['relay', 'wss://Git.example.com/'],
        ],
      },
      at,
    ],
  ])('%s', (_what, fields, now) => {
    expect(check(fields, now)).toEqual({ ok: true, value: alice.publicKey });
  });
});

describe('an authentication event is refused:', () => {
  test.each<[string, object, number, string]>([
    ['another kind', { kind: 27_235 }, at, 'kind 22242'],
    ['too late', {}, at + 601, 'check the clock'],
    ['too early', {}, at - 601, 'check the clock'],
    [
      'another challenge',
      {
        tags: [
          ['relay', 'wss://git.example.com'],
          ['challenge', 'tea'],
        ],
      },
      at,
      'the challenge',
    ],
    ['no challenge', { tags: [['relay', 'wss://git.example.com']] }, at, 'the challenge'],
    [
      'an empty challenge',
      {
        tags: [
          ['relay', 'wss://git.example.com'],
          ['challenge', ''],
        ],
      },
      at,
      'the challenge',
    ],
    [
      'another relay',
      {
        tags: [
          ['relay', 'wss://other.example.com'],
          ['challenge', 'c0ffee'],
        ],
      },
      at,
      'the relay tag',
    ],
    [
      'another path',
      {
        tags: [
          ['relay', 'wss://git.example.com/x'],
          ['challenge', 'c0ffee'],
        ],
      },
      at,
      'the relay tag',
    ],
    [
      'without encryption',
      {
        tags: [
          ['relay', 'ws://git.example.com'],
          ['challenge', 'c0ffee'],
        ],
      },
      at,
      'the relay tag',
    ],
    ['no relay', { tags: [['challenge', 'c0ffee']] }, at, 'the relay tag'],
    [
      'a relay that is no URL',
      {
        tags: [
          ['relay', 'git.example.com'],
          ['challenge', 'c0ffee'],
        ],
      },
      at,
      'the relay tag',
    ],
  ])('%s', (_what, fields, now, reason) => {
    expect(check(fields, now)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });
});
