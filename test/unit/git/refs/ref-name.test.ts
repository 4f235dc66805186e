import { execaSync } from 'execa';
import { describe, expect, test } from 'vitest';
import {
  decodeRefName,
  isBranch,
  isTag,
  refNameProblem,
  sortByBytes,
} from '../../../../src/git/refs/ref-name.ts';
import { RealRepository } from '../real-git.ts';

const accepted = [
  'refs/heads/main',
  'refs/heads/a/b/c',
  'refs/x/y',
  'refs/heads/@',
  'refs/heads/a@b',
  'refs/heads/a.b',
  'refs/heads/a./b',
  'refs/heads/a.lock.b',
  'refs/heads/lock',
  'refs/heads/+@#=,%',
  'refs/heads/{}',
  'refs/heads/-dash',
  'refs/heads/a"b\'c`d$e!',
  'refs/heads/]',
  'refs/heads/größe',
  'refs/heads/日本',
  'refs/heads/\u{1f600}',
  'refs/heads/\u0085',
  'refs/heads/\ufeffmark',
];

const refused = [
  'refs/',
  'refs/heads/',
  'refs/heads//a',
  'refs/heads/.a',
  'refs/heads/a/.b',
  'refs/heads/a.',
  'refs/heads/a..b',
  'refs/heads/..',
  'refs/heads/.',
  'refs/heads/a.lock',
  'refs/heads/a.lock/b',
  'refs/heads/.lock',
  'refs/heads/a b',
  'refs/heads/a~b',
  'refs/heads/a^b',
  'refs/heads/a:b',
  'refs/heads/a?b',
  'refs/heads/a*b',
  'refs/heads/a[b',
  'refs/heads/a\\b',
  'refs/heads/a@{b',
  'refs/heads/@{',
  'refs/heads/a\tb',
  'refs/heads/a\nb',
  'refs/heads/a\u007fb',
  'refs/heads/a\u0001b',
];

function checkRefFormat(name: string): boolean {
  return execaSync('git', ['check-ref-format', name], { reject: false }).exitCode === 0;
}

describe('ref names', () => {
  test.each(accepted)('%j is accepted, as by git', (name) => {
    expect(refNameProblem(name)).toBeUndefined();
    expect(checkRefFormat(name)).toBe(true);
  });

  test.each(refused)('%j is refused with a reason, as by git', (name) => {
    expect(refNameProblem(name)).toMatch(/^(a|no part of a) ref name /);
    expect(checkRefFormat(name)).toBe(false);
  });

  test.each(['', 'HEAD', 'heads/main', '/refs/heads/main', 'refs', 'Refs/heads/a', 'refsx/heads/a'])(
    '%j is refused: it is not below refs/',
    (name) => {
      expect(refNameProblem(name)).toContain('must start with "refs/"');
    },
  );

  test.each(['refs/x', 'refs/stash'])('%j is refused: pushing clients do not see it', (name) => {
    expect(refNameProblem(name)).toContain('a folder below "refs/"');
  });

  test('a NUL is refused', () => {
    expect(refNameProblem('refs/heads/a\0b')).toContain('control characters');
  });

  test('a lone surrogate has no UTF-8 form and is refused; a pair has one', () => {
    expect(refNameProblem('refs/heads/\ud83d')).toContain('UTF-8');
    expect(refNameProblem('refs/heads/\ude00x')).toContain('UTF-8');
    expect(refNameProblem('refs/heads/\ud83d\ude00')).toBeUndefined();
  });

  test('the limit of 1024 is in bytes of UTF-8', () => {
    const start = 'refs/heads/';
    expect(refNameProblem(start + 'a'.repeat(1024 - start.length))).toBeUndefined();
    expect(refNameProblem(start + 'a'.repeat(1025 - start.length))).toContain('1024 bytes');
    expect(refNameProblem(start + 'ä'.repeat(507))).toContain('1024 bytes');
  });

  test('branches and tags are recognized by their prefixes', () => {
    expect([isBranch('refs/heads/a'), isBranch('refs/headsa'), isBranch('refs/tags/a')]).toEqual([
      true,
      false,
      false,
    ]);
    expect([isTag('refs/tags/a'), isTag('refs/heads/a'), isTag('refs/tagsx/a')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('decoding', () => {
  test('UTF-8 is decoded exactly, including a byte order mark', () => {
    for (const name of ['refs/heads/a', '\ufeffrefs', 'refs/heads/\u{10ffff}', '']) {
      expect(decodeRefName(Buffer.from(name))).toBe(name);
    }
    const padded = new Uint8Array(Buffer.from('xxrefs/heads/äxx'));
    expect(decodeRefName(padded.subarray(2, -2))).toBe('refs/heads/ä');
  });

  test.each([
    ['a stray continuation', [0x61, 0x80]],
    ['Latin-1', [0xe4]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a cut character', [0xf0, 0x9f, 0x98]],
  ])('%s is refused', (_, bytes) => {
    expect(decodeRefName(Uint8Array.from(bytes))).toBeUndefined();
  });
});

describe('byte order', () => {
  const names = [
    '',
    'a',
    'a/b',
    'a0',
    'ab',
    'é',
    '\ud7ff',
    '\ue000',
    '\uff5e',
    '\uffff',
    '\u{10000}',
    '\u{1f600}',
    '\u{1f600}\uffff',
    '\u{1f600}\u{10000}',
    '\u{1f601}',
    '\u{10ffff}',
  ];

  test('is what sorting follows, beyond the BMP, too', () => {
    expect(sortByBytes(names.toReversed())).toEqual(names);
    expect(sortByBytes(['b', 'a', 'ab'])).toEqual(['a', 'ab', 'b']);
  });

  test('is that of git’s ref lists', () => {
    using repository = new RealRepository();
    repository.populate();
    const listed = repository.refs().refs.map(([name]) => name);
    expect(listed.some((name) => name.includes('\u{1f600}'))).toBe(true);
    expect(sortByBytes(listed.toReversed())).toEqual(listed);
    expect(listed).not.toEqual(listed.toSorted());
  });
});
