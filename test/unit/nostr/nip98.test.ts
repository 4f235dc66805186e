import { describe, expect, test } from 'vitest';
import type { Tag, VerifiedEvent } from '../../../src/nostr/event.ts';
import { checkToken, tokenTemplate } from '../../../src/nostr/nip98.ts';
import { repositoryUrls } from '../../../src/nostr/repository-url.ts';
import { createSigner } from '../../../src/nostr/sign.ts';
import { loadVerifier } from '../../../src/nostr/verify.ts';
import { alice, bob } from './authors.ts';

const verifier = await loadVerifier();
const base = 'https://git.example.com';
const urls = repositoryUrls(base, alice.publicKey, 'my project');
const [gitUrl = '', hexUrl = '', graspUrl = ''] = urls;
const at = 1_700_000_000;

function token(fields: { kind?: number; tags?: readonly Tag[]; at?: number } = {}): VerifiedEvent {
  const event = bob.sign({
    kind: 27_235,
    at,
    tags: [
      ['u', gitUrl],
      ['method', 'GET'],
    ],
    ...fields,
  });
  if (!verifier.verify(event)) throw new Error('nostr-tools signed what does not hold');
  return event;
}

const check = (event: VerifiedEvent, now: number, stage: 'advertise' | 'receive' = 'advertise') =>
  checkToken(event, { repositoryUrls: urls, now, stage });

test('an accepted token has its key and its id', () => {
  const event = token();
  expect(check(event, at)).toEqual({ ok: true, actor: bob.publicKey, tokenId: event.id });
});

test('a token of Cairn is accepted', () => {
  const signer = createSigner(bob.secretKey);
  expect(check(signer.sign(tokenTemplate(gitUrl, at)), at).ok).toBe(true);
  expect(check(signer.sign(tokenTemplate(gitUrl, at, at + 100)), at + 99, 'receive').ok).toBe(true);
  expect(check(signer.sign(tokenTemplate(gitUrl, at, at + 100)), at + 100, 'receive').ok).toBe(false);
});

describe('the time of a token', () => {
  const ok = undefined;
  test.each<[string, number, string | undefined, string | undefined]>([
    ['now', 0, ok, ok],
    ['59 s later', 59, ok, ok],
    ['60 s later', 60, ok, ok],
    ['61 s later', 61, 'is 61 s old, it is good for 60 s', ok],
    ['60 s earlier', -60, ok, ok],
    ['61 s earlier', -61, '61 s ahead: check the clock', '61 s ahead: check the clock'],
    ['899 s later', 899, 'is 899 s old', ok],
    ['900 s later', 900, 'is 900 s old', ok],
    ['901 s later', 901, 'is 901 s old, it is good for 60 s', 'is 901 s old, it is good for 900 s'],
    ['a day later', 86_400, 'old', 'old'],
  ])('%s', (_what, delay, atAdvertise, atReceive) => {
    const event = token();
    for (const [stage, expected] of [
      ['advertise', atAdvertise],
      ['receive', atReceive],
    ] as const) {
      const result = check(event, at + delay, stage);
      expect(result.ok ? ok : result.reason).toEqual(
        expected === ok ? ok : expect.stringContaining(expected),
      );
    }
  });

  test.each<[string, string[], number, string | undefined]>([
    ['before it expires', ['expiration', String(at + 30)], 29, undefined],
    ['the second it expires', ['expiration', String(at + 30)], 30, 'has expired'],
    ['after it has expired', ['expiration', String(at + 30)], 31, 'has expired'],
    ['expired when it was signed', ['expiration', String(at - 1)], 0, 'has expired'],
    ['an expiration that is no number', ['expiration', 'soon'], 0, 'not a number of seconds'],
    ['an expiration without value', ['expiration'], 0, 'not a number of seconds'],
  ])('%s', (_what, tag, delay, expected) => {
    for (const stage of ['advertise', 'receive'] as const) {
      const result = check(token({ tags: [['u', gitUrl], tag] }), at + delay, stage);
      expect(result.ok ? undefined : result.reason).toEqual(
        expected === undefined ? undefined : expect.stringContaining(expected),
      );
    }
  });

  test('is not extended by a later expiration', () => {
    const event = token({
      tags: [
        ['u', gitUrl],
        ['expiration', String(at + 86_400)],
      ],
    });
    expect(check(event, at + 61).ok).toBe(false);
    expect(check(event, at + 900, 'receive').ok).toBe(true);
    expect(check(event, at + 901, 'receive').ok).toBe(false);
  });
});

describe('the URL of a token', () => {
  test.each([
    gitUrl,
    gitUrl.replace(/\.git$/, ''),
    hexUrl,
    hexUrl.replace(/\.git$/, ''),
    graspUrl,
    `${gitUrl}/`,
    gitUrl.replace('https://git.example.com', 'HTTPS://GIT.example.com:443'),
    gitUrl.replace('%20', ' '),
  ])('%s', (url) => {
    expect(check(token({ tags: [['u', url]] }), at).ok).toBe(true);
  });

  test.each<[string, Tag[], string]>([
    [
      'another repository',
      [['u', gitUrl.replace('project', 'projects')]],
      'the token is for https://git.example.com/',
    ],
    [
      'a repository of another owner',
      [['u', repositoryUrls(base, bob.publicKey, 'my project')[0] ?? '']],
      'is for',
    ],
    ['another host', [['u', gitUrl.replace('example.com', 'example.org')]], 'is for https://git.example.org'],
    ['another port', [['u', gitUrl.replace('example.com', 'example.com:8443')]], 'is for'],
    ['http instead of https', [['u', gitUrl.replace('https', 'http')]], 'is for http://'],
    ['one request of the repository', [['u', `${gitUrl}/info/refs`]], 'is for'],
    ['a query', [['u', `${gitUrl}/info/refs?service=git-receive-pack`]], 'plain http or https URL'],
    ['a user', [['u', gitUrl.replace('https://', 'https://bob@')]], 'plain http or https URL'],
    [
      'the owner in upper case',
      [['u', hexUrl.replace(alice.publicKey, alice.publicKey.toUpperCase())]],
      'is for',
    ],
    ['the host alone', [['u', base]], 'is for'],
    ['a path alone', [['u', '/git/x/y']], 'plain http or https URL'],
    ['an empty URL', [['u', '']], 'plain http or https URL'],
    ['a tag without URL', [['u']], 'plain http or https URL'],
    ['no URL', [['method', 'GET']], 'exactly one u tag'],
    [
      'two URLs',
      [
        ['u', gitUrl],
        ['u', gitUrl],
      ],
      'exactly one u tag',
    ],
  ])('%s is refused', (_what, tags, reason) => {
    expect(check(token({ tags }), at)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });

  test('another kind of event is refused, whatever it says', () => {
    expect(check(token({ kind: 22_242 }), at)).toEqual({
      ok: false,
      reason: expect.stringContaining('kind 22242'),
    });
  });

  test.each<[string, Tag[]]>([
    [
      'any method',
      [
        ['u', gitUrl],
        ['method', 'DELETE'],
      ],
    ],
    ['no method', [['u', gitUrl]]],
    [
      'the hash of some body',
      [
        ['u', gitUrl],
        ['payload', 'f'.repeat(64)],
      ],
    ],
  ])('%s has the same effect, since git cannot bind it', (_what, tags) => {
    expect(check(token({ tags }), at, 'receive').ok).toBe(true);
  });
});
