import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ArtifactName, parseArtifactName } from '../../../src/fossil/artifact-name.ts';
import {
  catalogueHash,
  compareUnversioned,
  isUnversionedName,
  isUnversionedTime,
} from '../../../src/fossil/unversioned.ts';
import { FossilClient, noFossil } from '../../helpers/fossil.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const A = 'a'.repeat(40) as ArtifactName;
const B = 'b'.repeat(40) as ArtifactName;

describe('two versions of an unversioned file', () => {
  it.each([
    ['only the other side has one', undefined, { time: 1, hash: A }, 0],
    ['only the other side knows that it is deleted', undefined, { time: 1, hash: undefined }, 0],
    ['the later one wins', { time: 1, hash: B }, { time: 2, hash: A }, 1],
    ['the later one wins here', { time: 2, hash: A }, { time: 1, hash: B }, 5],
    ['of one second, that with the greater hash wins', { time: 1, hash: A }, { time: 1, hash: B }, 1],
    ['of one second, that with the greater hash wins here', { time: 1, hash: B }, { time: 1, hash: A }, 5],
    ['of one second, a file wins over a deletion', { time: 1, hash: undefined }, { time: 1, hash: A }, 1],
    [
      'of one second, a file here wins over a deletion',
      { time: 1, hash: A },
      { time: 1, hash: undefined },
      5,
    ],
    ['a later deletion wins', { time: 1, hash: A }, { time: 2, hash: undefined }, 1],
    ['the same content at a later time brings that time', { time: 1, hash: A }, { time: 2, hash: A }, 2],
    ['the same is the same', { time: 1, hash: A }, { time: 1, hash: A }, 3],
    ['two deletions are the same', { time: 1, hash: undefined }, { time: 1, hash: undefined }, 3],
    [
      'the same content at an earlier time tells the time here',
      { time: 2, hash: A },
      { time: 1, hash: A },
      4,
    ],
  ] as const)('%s', (_, local, remote, status) => {
    expect(compareUnversioned(local, remote)).toBe(status);
  });
});

describe('the name of an unversioned file', () => {
  it.each(['a', 'a/b', '.hidden', 'a..b', '...', 'ä.txt', '-x', 'a:b', 'x'.repeat(1_000)])(
    'may be %s',
    (name) => {
      expect(isUnversionedName(name)).toBe(true);
    },
  );

  it.each([
    '',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    '../a',
    'a/../b',
    'a/./b',
    'a/..',
    'a b',
    'a\tb',
    'a\nb',
    'a\\b',
    'a\0b',
    'a\u007f',
    '😀',
    '\ud800',
    '\ue000',
    '\uffff',
    'ä'.repeat(501),
  ])('may not be %j', (name) => {
    expect(isUnversionedName(name)).toBe(false);
  });
});

it('times are whole seconds from 1970 to 9999', () => {
  expect([0, 1_795_970_614, 253_402_300_799].every(isUnversionedTime)).toBe(true);
  expect([-1, 0.5, 253_402_300_800, Number.NaN].some(isUnversionedTime)).toBe(false);
});

it('the catalogue of no files has the hash of an empty text', () => {
  expect(catalogueHash([])).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709');
  expect(catalogueHash([{ name: 'gone', time: 1, hash: undefined, size: 0 }])).toBe(catalogueHash([]));
});

it('the stock program computes the same catalogue hash, and refuses the same names', async ({ skip }) => {
  skip(noFossil !== undefined, noFossil);
  await using folder = await tempDir();
  const user = new FossilClient(folder.path);
  const repository = join(folder.path, 'project.fossil');
  await user.run(['init', repository]);
  await writeFile(join(folder.path, 'file'), 'some content');
  const tried = [
    'z',
    'B/c',
    'a.txt',
    '-x',
    'ä',
    'ｚ',
    '😀',
    'a//b',
    '../x',
    'a b',
    '/x',
    'a\\b',
    'a/./b',
    '.',
  ];
  for (const name of tried) {
    await user.try(['uv', 'add', 'file', '-R', repository, '--as', name]);
  }
  await user.run(['uv', 'rm', 'a.txt', '-R', repository]);
  const rows = await user.sql(repository, 'SELECT mtime, hash, sz, name FROM unversioned');
  const files = rows.map((row) => {
    const [time, hash = '', size, name = ''] = row.replaceAll("'", '').split(',');
    return {
      name,
      time: Number(time),
      hash: parseArtifactName(hash),
      size: Number(size),
    };
  });
  expect(files.map(({ name }) => name).sort()).toEqual(tried.filter(isUnversionedName).sort());
  expect(catalogueHash(files)).toBe((await user.run(['uv', 'hash', '-R', repository])).trim());
});
