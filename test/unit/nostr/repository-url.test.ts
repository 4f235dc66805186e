import { describe, expect, test } from 'vitest';
import { formatNpub } from '../../../src/nostr/public-key.ts';
import {
  canonicalRelayUrl,
  canonicalRepositoryUrl,
  gitUrl,
  graspUrl,
  relayUrl,
  repositoryUrls,
} from '../../../src/nostr/repository-url.ts';
import { alice } from './authors.ts';

const base = 'https://git.example.com';
const npub = formatNpub(alice.publicKey);

test('a repository has three URLs', () => {
  expect(repositoryUrls(base, alice.publicKey, 'project')).toEqual([
    `${base}/git/${npub}/project.git`,
    `${base}/git/${alice.publicKey}/project.git`,
    `${base}/${npub}/project.git`,
  ]);
  expect(gitUrl(`${base}/cairn`, alice.publicKey, 'a b/ü:%')).toBe(
    `${base}/cairn/git/${npub}/a%20b%2F%C3%BC%3A%25.git`,
  );
  expect(graspUrl(base, alice.publicKey, '\u{1f600}')).toBe(`${base}/${npub}/%F0%9F%98%80.git`);
});

test.each([
  ['https://git.example.com', 'wss://git.example.com'],
  ['http://127.0.0.1:8080/cairn', 'ws://127.0.0.1:8080/cairn'],
])('the relay of %s is at %s', (at, expected) => {
  expect(relayUrl(at)).toBe(expected);
});

describe('spellings of one repository URL', () => {
  const one = 'https://git.example.com/git/npub1x/my%20project';
  test.each([
    'https://git.example.com/git/npub1x/my%20project.git',
    'https://git.example.com/git/npub1x/my%20project',
    'https://git.example.com/git/npub1x/my%20project/',
    'https://git.example.com/git/npub1x/my%20project.git/',
    'HTTPS://Git.Example.COM/git/npub1x/my project.git',
    'https://git.example.com:443/git/npub1x/my%20project.git',
    'https://git.example.com/git/npub1x/m%79%20project.git',
    'https://git.example.com/git/%6epub1x/my%20project.git',
  ])('%s', (url) => {
    expect(canonicalRepositoryUrl(url)).toBe(one);
  });

  test.each([
    'http://git.example.com/git/npub1x/my%20project',
    'https://git.example.com:8443/git/npub1x/my%20project',
    'https://git.example.org/git/npub1x/my%20project',
    'https://git.example.com/GIT/npub1x/my%20project',
    'https://git.example.com/git/npub1x/My%20project',
    'https://git.example.com/npub1x/my%20project',
    'https://git.example.com/git/npub1x/my%2520project',
    'https://git.example.com/git/npub1x%2Fmy%20project',
    'https://git.example.com/git//npub1x/my%20project',
    'https://git.example.com/git/npub1x/my%20project.git.git',
    'https://git.example.com/git/npub1x/my%20project/info/refs',
  ])('%s is another repository', (url) => {
    expect(canonicalRepositoryUrl(url)).not.toBe(one);
    expect(canonicalRepositoryUrl(url)).toBeDefined();
  });

  test.each([
    '',
    'git.example.com/git/npub1x/p',
    '/git/npub1x/p',
    'ssh://git.example.com/git/npub1x/p',
    'wss://git.example.com/git/npub1x/p',
    'https://user@git.example.com/git/npub1x/p',
    'https://:secret@git.example.com/git/npub1x/p',
    'https://git.example.com/git/npub1x/p?service=git-receive-pack',
    'https://git.example.com/git/npub1x/p#readme',
    'https://git.example.com/git/npub1x/%ff',
    'https://git.example.com/git/npub1x/%c0%af',
    'https://git.example.com/git/npub1x/100%',
    'https://',
  ])('%j is refused', (url) => {
    expect(canonicalRepositoryUrl(url)).toBeUndefined();
  });
});

test('spellings of one relay URL are equal', () => {
  const same = [
    'wss://Relay.Example.com',
    'wss://relay.example.com/',
    'wss://relay.example.com:443',
    'WSS://relay.example.com',
  ];
  expect(new Set(same.map(canonicalRelayUrl))).toEqual(new Set(['wss://relay.example.com']));
  for (const other of [
    'ws://relay.example.com',
    'wss://relay.example.com/x',
    'wss://relay.example.com:444',
  ]) {
    expect(canonicalRelayUrl(other)).not.toBe('wss://relay.example.com');
  }
  for (const none of ['https://relay.example.com', 'relay.example.com', 'wss://relay.example.com/?x']) {
    expect(canonicalRelayUrl(none)).toBeUndefined();
  }
});
