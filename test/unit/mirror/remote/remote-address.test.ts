import { describe, expect, it } from 'vitest';
import {
  displayAddress,
  isSameRepository,
  parseRemoteAddress,
} from '../../../../src/mirror/remote/remote-address.ts';

describe('the address of a repository', () => {
  it.each([
    ['https://host/a/r.git//', { kind: 'http' }, 'https://host/a/r.git'],
    ['https://me:s3cret@host/r?token=s3cret#x', { kind: 'http' }, 'https://host/r'],
    [
      'ssh://me@host:22/a%20b',
      { kind: 'ssh', user: 'me', host: 'host', port: 22, path: '/a b' },
      'ssh://me@host:22/a b',
    ],
    ['ssh://[::1]/r', { kind: 'ssh', host: '::1', path: '/r' }, 'ssh://[::1]/r'],
    [
      'me@host:a/b',
      { kind: 'ssh', user: 'me', host: 'host', port: undefined, path: 'a/b' },
      'ssh://me@host/a/b',
    ],
    ['[::1]:r', { kind: 'ssh', host: '::1', path: 'r' }, 'ssh://[::1]/r'],
    ['ssh://host/a/../c#?x/r', { kind: 'ssh', path: '/a/../c#?x/r' }, 'ssh://host/a/../c#?x/r'],
    [
      '[host:2222]:r',
      { kind: 'ssh', user: undefined, host: 'host', port: 2222, path: 'r' },
      'ssh://host:2222/r',
    ],
    ['[me@host:2222]:r', { kind: 'ssh', user: 'me', host: 'host', port: 2222 }, 'ssh://me@host:2222/r'],
    ['me@[host:2222]:/r', { kind: 'ssh', user: 'me', host: 'host', port: 2222 }, 'ssh://me@host:2222/r'],
    ['[me@::1]:r', { kind: 'ssh', user: 'me', host: '::1', port: undefined }, 'ssh://me@[::1]/r'],
    ['[2001:db8::22]:r', { kind: 'ssh', host: '2001:db8::22', port: undefined }, 'ssh://[2001:db8::22]/r'],
    ['ssh://host/~me/r', { kind: 'ssh', path: '~me/r' }, 'ssh://host/~me/r'],
    ['./a:b', { kind: 'local', path: './a:b' }, './a:b'],
    ['/a/b', { kind: 'local', path: '/a/b' }, '/a/b'],
    ['file:///a%20b', { kind: 'local', path: '/a b' }, '/a b'],
    ['file:///c#/q?/../r', { kind: 'local', path: '/c#/q?/../r' }, '/c#/q?/../r'],
    ['file://LOCALHOST/r', { kind: 'local', path: '/r' }, '/r'],
  ])('%s', (text, expected, shown) => {
    const address = parseRemoteAddress(text);
    expect(address).toMatchObject(expected);
    expect(displayAddress(address)).toBe(shown);
  });

  it.each([
    '',
    '   ',
    'a\nb',
    'git://host/r',
    'ext::sh -c true',
    'ssh://host',
    'ssh://host/',
    'ssh://me:s3cret@host/r',
    'ssh://host/%00',
    'ssh://host/a%0ab',
    'ssh://a%0ab@host/r',
    'ssh://host/%ff',
    'file:///a%00',
    'file://elsewhere/a',
    'file://',
    'ssh://host?/r',
    'ssh://host#/r',
    '[host:99999]:r',
    'me@[you@host:22]:r',
    '[-oProxyCommand=x:22]:r',
    '[-x@host:22]:r',
    'https://',
  ])('%j is refused, and no error shows a password', (text) => {
    expect(() => parseRemoteAddress(text)).toThrow(expect.objectContaining({ kind: 'invalid' }));
    expect(() => parseRemoteAddress(text)).not.toThrow(/s3cret/);
  });

  it.each([
    ['https://host/r', 'https://me@HOST:443/r//', true],
    ['https://host/r', 'https://host:444/r', false],
    ['ssh://host/r', 'me@host:/r', true],
    ['/a/r', 'file:///a/r/', true],
    ['./r', 'r', true],
    ['r', `${process.cwd()}/s/../r`, true],
    ['r', 's', false],
    ['[host:22]:r', 'host:r', true],
    ['/a/r', 'https://host/a/r', false],
  ])('%s and %s are the same: %s', (a, b, same) => {
    expect(isSameRepository(parseRemoteAddress(a), parseRemoteAddress(b))).toBe(same);
  });
});
