import { expect, it } from 'vitest';
import { parseBlame, unquotePath } from '../../../../src/git/index.ts';

const [A, B] = ['a'.repeat(40), 'b'.repeat(40)];
const OUTPUT = [
  `${A} 1 3 2`,
  'author filename of an author',
  'author-mail <previous@example.org>',
  'author-time -5',
  'author-tz -0130',
  `summary ${B} 1 1 1`,
  `previous ${B} "old \\303\\251\\n"`,
  'filename new name',
  `${A} 9 1 1`,
  'filename new name',
  '',
].join('\n');

it('the output of git blame is read at any length', () => {
  const expected = [
    {
      oid: A,
      first: 3,
      count: 2,
      firstThere: 1,
      path: Buffer.from('new name'),
      previous: { oid: B, path: Buffer.from('old é\n') },
    },
    { oid: A, first: 1, count: 1, firstThere: 9, path: Buffer.from('new name'), previous: undefined },
  ];
  const { groups, commits } = parseBlame(Buffer.from(OUTPUT));
  expect(groups).toEqual(expected);
  expect([...commits.values()]).toEqual([
    {
      oid: A,
      author: { name: 'filename of an author', email: 'previous@example.org', time: -5, zone: -90 },
      subject: `${B} 1 1 1`,
    },
  ]);
  // Where git was stopped, whole groups remain.
  for (let end = 0; end < OUTPUT.length; end++)
    expect(expected.slice(0, 1)).toEqual(
      expect.arrayContaining(parseBlame(Buffer.from(OUTPUT.slice(0, end))).groups),
    );
});

it('quoted paths are read as bytes', () => {
  expect(unquotePath('plain "x')).toEqual(Buffer.from('plain "x'));
  expect(unquotePath('"\\"\\\\\\a\\t\\377"')).toEqual(Buffer.from('"\\\x07\t\xff', 'latin1'));
});
