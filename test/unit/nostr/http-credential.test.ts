import { getToken, validateToken } from 'nostr-tools/nip98';
import { describe, expect, test } from 'vitest';
import { readCredential } from '../../../src/nostr/http-credential.ts';
import { encodeToken, tokenTemplate } from '../../../src/nostr/nip98.ts';
import { createSigner } from '../../../src/nostr/sign.ts';
import { alice } from './authors.ts';

// Padding occurs in one of three lengths, and the URL-safe letters in text above U+00FF: all must be read.
const events = ['', 'a', 'ab', 'ÿ\u{1f600}~?>'].map((content) =>
  alice.sign({
    kind: 27_235,
    tags: [
      ['u', 'https://git.example.com/git/x/y'],
      ['method', 'GET'],
    ],
    content,
  }),
);

describe('a token in a header', () => {
  describe.each(events)('with content "$content"', (event) => {
    const standard = Buffer.from(JSON.stringify(event)).toString('base64');
    const forms = {
      standard,
      'without padding': standard.replaceAll('=', ''),
      'URL-safe': Buffer.from(JSON.stringify(event)).toString('base64url'),
      'URL-safe with padding': standard.replaceAll('+', '-').replaceAll('/', '_'),
    };
    test.each(Object.entries(forms))('%s', (_form, token) => {
      expect(readCredential(`Nostr ${token}`)).toEqual({ kind: 'token', event });
      expect(readCredential(`nostr   ${token} `)).toEqual({ kind: 'token', event });
    });

    test.each(['nostr', '', 'x', 'grüße', 'a b'])('as the password of the Basic user "%s"', (user) => {
      for (const token of Object.values(forms)) {
        const pair = Buffer.from(`${user}:${token}`);
        expect(readCredential(`Basic ${pair.toString('base64')}`)).toEqual({ kind: 'token', event });
        expect(readCredential(`basic ${pair.toString('base64url')}`)).toEqual({ kind: 'token', event });
      }
    });
  });

  test('of nostr-tools is read, and nostr-tools reads Cairn’s', async () => {
    const url = 'https://git.example.com/git/x/y';
    const signer = createSigner(alice.secretKey);
    const header = await getToken(url, 'GET', (template) => signer.sign(template) as never, true);
    expect(readCredential(header)).toMatchObject({ kind: 'token', event: { pubkey: alice.publicKey } });
    const now = Math.round(Date.now() / 1000);
    expect(
      await validateToken(`Nostr ${encodeToken(signer.sign(tokenTemplate(url, now)))}`, url, 'GET'),
    ).toBe(true);
  });
});

test.each([undefined, '', '  '])('%j is not a credential', (header) => {
  expect(readCredential(header)).toEqual({ kind: 'none' });
});

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');
test.each<[string, string, string]>([
  ['another scheme', 'Bearer abc', 'schemes Nostr and Basic'],
  ['a scheme alone', 'Nostr', 'not a signed Nostr event'],
  ['no base64', 'Nostr {"id":1}', 'not a signed Nostr event'],
  [
    'base64 with garbage inside',
    `Nostr ${base64(JSON.stringify(events[0])).replace(/^(.{40})/, '$1\n*')}`,
    'not a signed',
  ],
  ['base64 of no JSON', `Nostr ${base64('hello')}`, 'not a signed Nostr event'],
  ['base64 of no UTF-8', `Nostr ${base64(Uint8Array.of(0xff, 0xfe, 0x22))}`, 'not a signed Nostr event'],
  ['JSON of no event', `Nostr ${base64('{"id":"x"}')}`, 'not a Nostr event: the id'],
  ['null', `Nostr ${base64('null')}`, 'not a Nostr event'],
  ['too long', `Nostr ${'A'.repeat(20_000)}`, 'not a signed Nostr event'],
  [
    'an event with much in it',
    `Nostr ${base64(JSON.stringify({ ...events[0], content: 'x'.repeat(2000) }))}`,
    'longer than',
  ],
  ['Basic without colon', `Basic ${base64('user')}`, 'not base64 of user and password'],
  ['Basic that is no base64', 'Basic user:password', 'not base64 of user and password'],
  ['Basic with a plain password', `Basic ${base64('user:hunter2')}`, 'not a signed Nostr event'],
  ['Basic with an empty password', `Basic ${base64('user:')}`, 'not a signed Nostr event'],
])('%s is unusable', (_what, header, reason) => {
  expect(readCredential(header)).toEqual({ kind: 'unusable', reason: expect.stringContaining(reason) });
});
