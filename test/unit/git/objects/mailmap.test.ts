import { expect, it } from 'vitest';
import { Mailmap, MOST_MAILMAP_LINES, type Named } from '../../../../src/git/objects/mailmap.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { RealRepository } from '../real-git.ts';

const parse = (text: string) => Mailmap.parse(Buffer.from(text));

it('names and addresses are replaced by address, or by name and address', () => {
  const mailmap = parse(
    [
      '# <comment@example.org> <c@example.org>',
      'Proper <a@example.org>',
      '<proper@example.org> <B@example.org>',
      'Both <both@example.org> Old Name <c@example.org>',
      'Windows <w@example.org>\r',
    ].join('\n'),
  );
  expect(mailmap.apply({ name: 'x', email: 'A@EXAMPLE.org' })).toEqual({
    name: 'Proper',
    email: 'A@EXAMPLE.org',
  });
  expect(mailmap.apply({ name: 'x', email: 'b@example.org' })).toEqual({
    name: 'x',
    email: 'proper@example.org',
  });
  expect(mailmap.apply({ name: 'old name', email: 'c@example.org', time: 5 })).toEqual({
    name: 'Both',
    email: 'both@example.org',
    time: 5,
  });
  expect(mailmap.apply({ name: 'w', email: 'w@example.org' }).name).toBe('Windows');
  const other = { name: 'Other', email: 'c@example.org' };
  expect(mailmap.apply(other)).toBe(other);
});

it('random mailmaps are read as git reads them', () => {
  const seed = 20_261_129;
  const random = new SeededRandom(seed);
  using repository = new RealRepository();
  const pieces = [
    'a',
    'B',
    'é',
    'b c',
    ' ',
    '\t',
    '\r',
    '\v',
    '<',
    '>',
    '<>',
    '#',
    '@',
    '<a>',
    '<B@>',
    'x <é>',
    '  ',
  ];
  const piece = () => random.pick(pieces);
  const text = (most: number, allowed: (part: string) => boolean) =>
    Array.from({ length: random.below(most + 1) }, piece)
      .filter(allowed)
      .join('');
  const plain = (part: string) => !/[<>\r\n\v]/.test(part);
  for (let round = 0; round < 25; round++) {
    const lines = Array.from({ length: 1 + random.below(60) }, () =>
      random.below(3) === 0
        ? text(10, () => true)
        : `${text(2, plain)}<${text(2, plain)}>${random.below(2) === 0 ? '' : `${text(2, plain)}<${text(2, plain)}>`}${text(2, plain)}`,
    );
    const content = lines.join('\n');
    const blob = repository.git(['hash-object', '-w', '--stdin'], { input: content }).toString().trim();
    // git reads no empty line as a person, and trims names.
    const people: Named[] = Array.from({ length: 80 }, () => ({
      name: text(2, plain).trim(),
      email: text(2, plain).trim(),
    }));
    const shown = (person: Named) => `${person.name === '' ? '' : `${person.name} `}<${person.email}>`;
    const expected = repository
      .git(['-c', `mailmap.blob=${blob}`, 'check-mailmap', '--stdin'], {
        input: `${people.map(shown).join('\n')}\n`,
      })
      .toString();
    const mailmap = parse(content);
    const found = people.map((person) => `${shown(mailmap.apply(person))}\n`).join('');
    expect(found, `seed ${seed}, round ${round}: ${JSON.stringify(content)}`).toBe(expected);
  }
});

it('a mailmap of many or very long lines is read up to a bound', () => {
  const many = parse(`${'\n'.repeat(MOST_MAILMAP_LINES - 1)}In <a@example.org>\nOut <b@example.org>\n`);
  expect(many.apply({ name: '', email: 'a@example.org' }).name).toBe('In');
  expect(many.apply({ name: '', email: 'b@example.org' }).name).toBe('');
  const giant = parse(`${'<'.repeat(1_000_000)}\n${'x'.repeat(1_000_000)}<a>\nGood <b>\n`);
  expect(giant.apply({ name: '', email: 'b' }).name).toBe('Good');
  expect(giant.apply({ name: '', email: 'a' }).name).toBe('');
});

it('a mailmap ends at a NUL, and names may be in any encoding', () => {
  const latin1 = Mailmap.parse(Buffer.from('Jos\xe9 <j@example.org>\n\0Not <k@example.org>\n', 'latin1'));
  expect(latin1.apply({ name: 'J', email: 'j@example.org' }).name).toBe('José');
  expect(latin1.apply({ name: 'K', email: 'k@example.org' }).name).toBe('K');
  const mixed = Mailmap.parse(
    Buffer.concat([Buffer.from('Zoë <z@example.org>\n'), Buffer.from('Jos\xe9 <j@example.org>\n', 'latin1')]),
  );
  expect(mixed.apply({ name: 'Z', email: 'z@example.org' }).name).toBe('Zoë');
});
