import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/lib/digest.ts';
import {
  formatRepositoryId,
  identifierProblem,
  repositoryId,
} from '../../../src/repository/repository-id.ts';

const owner = 'f'.repeat(64);

describe('an identifier', () => {
  it.each([
    'a',
    '...',
    '.git2',
    'x.gitx',
    'git',
    ' ',
    'Zürich 漢字 😀',
    'a'.repeat(256),
    'ü'.repeat(128),
    '%2F',
    '-',
    '~',
  ])('may be %j', (identifier) => {
    expect(identifierProblem(identifier)).toBeUndefined();
    const id = repositoryId(owner, identifier);
    expect(id).toEqual({ owner, identifier, identifierDigest: sha256(identifier) });
    expect(formatRepositoryId(id)).toBe(`${owner}/${identifier}`);
  });

  it.each([
    ['', 'empty'],
    ['.', '"."'],
    ['..', '".."'],
    ['a/b', 'slash'],
    ['a\\b', 'backslash'],
    ['a.git', '.git'],
    ['.git', '.git'],
    ['a\u0000', 'control'],
    ['a\n', 'control'],
    ['\u007f', 'control'],
    ['\u0085', 'control'],
    ['a\ud800', 'UTF-8'],
    ['a'.repeat(257), '256 bytes'],
    ['ü'.repeat(129), '256 bytes'],
  ])('may not be %j', (identifier, word) => {
    expect(identifierProblem(identifier)).toContain(word);
    expect(() => repositoryId(owner, identifier)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });
});

describe('an owner', () => {
  it.each(['', 'F'.repeat(64), 'f'.repeat(63), 'f'.repeat(65), 'g'.repeat(64), `${'f'.repeat(64)}\n`])(
    'may not be %j',
    (text) => {
      expect(() => repositoryId(text, 'a')).toThrow(expect.objectContaining({ kind: 'invalid' }));
    },
  );
});
