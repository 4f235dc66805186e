import { describe, expect, it } from 'vitest';
import { describeQuestion, parseFilled } from '../../../../src/mirror/remote/git-credential.ts';
import { readCredential } from '../../../../src/nostr/http-credential.ts';
import { createSigner } from '../../../../src/nostr/sign.ts';
import { authorizationOf, credentialsOf, mayCarryCredentials } from '../../../../src/outbound/credentials.ts';
import { Secrets, shownHeader } from '../../../../src/outbound/secrets.ts';

const clock = { now: () => 1_700_000_000_000, monotonic: () => 0, sleep: async () => undefined };

describe('credentials', () => {
  it.each([
    ['https://host/r', 'https://host/r', true],
    ['https://host/r', 'https://host/other', true],
    ['https://host/r', 'https://host:443/r', true],
    ['http://host/r', 'https://host/r', true],
    ['https://host/r', 'http://host/r', false],
    ['https://host/r', 'https://host:8443/r', false],
    ['http://host:8080/r', 'https://host/r', false],
    ['https://host/r', 'https://sub.host/r', false],
    ['https://sub.host/r', 'https://host/r', false],
    ['https://host/r', 'https://host.evil/r', false],
  ])('for %s are sent to %s: %s', (from, to, expected) => {
    expect(mayCarryCredentials(new URL(from), new URL(to))).toBe(expected);
  });

  it.each([
    ['https://user:p%40ss@host/r', { kind: 'basic', userName: 'user', password: 'p@ss' }],
    ['https://:token@host/r', { kind: 'basic', password: 'token' }],
    ['https://user@host/r', undefined],
    ['https://user:@host/r', undefined],
    ['https://host/r', undefined],
  ])('are read from %s', (url, expected) => {
    expect(credentialsOf(new URL(url))).toEqual(expected);
  });

  it('are sent as Bearer, Basic with the user git, and Nostr', () => {
    const secrets = new Secrets();
    const header = (credentials: Parameters<typeof authorizationOf>[0]) =>
      authorizationOf(credentials, 'https://host/r.git', clock, secrets);
    expect(header({ kind: 'bearer', token: 'abcd' })).toBe('Bearer abcd');
    const basic = Buffer.from('git:abcd').toString('base64');
    expect(header({ kind: 'basic', password: 'abcd' })).toBe(`Basic ${basic}`);
    const signer = createSigner('1'.repeat(64));
    const credential = readCredential(header({ kind: 'nostr', signer }));
    expect(credential).toMatchObject({
      kind: 'token',
      event: { pubkey: signer.publicKey, created_at: 1_700_000_000 },
    });
    expect(credential.kind === 'token' && credential.event.tags).toContainEqual(['u', 'https://host/r.git']);
  });
});

describe('the conversation with git credential', () => {
  it.each([
    ['https://host:8443/a%20b/r.git', undefined, ['protocol=https', 'host=host:8443', 'path=a b/r.git']],
    ['http://host/r', 'me', ['protocol=http', 'host=host', 'path=r', 'username=me']],
  ])('is about %s', (url, userName, expected) => {
    const lines = describeQuestion({ url: new URL(url), userName, challenges: ['Basic realm="x"'] });
    expect(lines).toEqual(['capability[]=authtype', ...expected, 'wwwauth[]=Basic realm="x"']);
  });

  it('is about the asking host only', () => {
    const url = new URL('https://host/a%0ahost=other.example');
    const lines = describeQuestion({ url, userName: 'a\nhost=other.example', challenges: ['Basic\nhost=x'] });
    expect(lines).toEqual(['capability[]=authtype', 'protocol=https', 'host=host']);
  });

  it.each([
    ['username=me\npassword=a=b\n\nextra=1\n', { userName: 'me', secret: 'a=b' }],
    ['password=abc\n', { userName: 'git', secret: 'abc' }],
    ['username=me\npassword=\n', undefined],
    ['username=me\n', undefined],
    ['', undefined],
    ['authtype=Bearer\ncredential=xyz\n', { scheme: 'Bearer', secret: 'xyz' }],
  ])('%j', (output, expected) => {
    const filled = parseFilled(output);
    if (expected === undefined) expect(filled).toBeUndefined();
    else expect(filled).toMatchObject(expected);
  });
});

describe('secrets', () => {
  it('are removed from texts in every form', () => {
    const secrets = new Secrets();
    secrets.add('p@ss word', 'me');
    const basic = Buffer.from('me:p@ss word').toString('base64');
    const text = `a p@ss word, p%40ss%20word, ${basic}, https://me:other@host/r`;
    expect(secrets.redact(text)).toBe('a <redacted>, <redacted>, <redacted>, https://host/r');
  });

  it('are not in displayed headers', () => {
    expect(shownHeader('Authorization', 'Basic abc')).toBe('Authorization: Basic <redacted>');
    expect(shownHeader('authorization', 'abc')).toBe('authorization: <redacted>');
    expect(shownHeader('Accept', 'text/plain')).toBe('Accept: text/plain');
  });
});
