import { expect, it } from 'vitest';
import { MOST_TRAILERS, parseTrailers } from '../../../../src/git/objects/trailers.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { RealRepository } from '../real-git.ts';

it('trailers are the last paragraph, and never the subject', () => {
  expect(parseTrailers('Subject\n\nText.\n\nFixes: #1\nCo-authored-by: A <a@example.org>,\n  B\n')).toEqual([
    { name: 'Fixes', value: '#1' },
    { name: 'Co-authored-by', value: 'A <a@example.org>, B' },
  ]);
  expect(parseTrailers('Fix: all of it\n')).toEqual([]);
  expect(parseTrailers('')).toEqual([]);
  expect(parseTrailers(`S\n\n${'A: b\n'.repeat(500)}`)).toHaveLength(MOST_TRAILERS);
});

it('random messages have the trailers that git finds', () => {
  const seed = 4711;
  const random = new SeededRandom(seed);
  using repository = new RealRepository();
  const lines = [
    'Text',
    '',
    '',
    'A: b',
    'Key-x:  spaced ',
    'Key : y',
    ' continued',
    '\tcontinued too',
    'Signed-off-by: N <n@example.org>',
    '(cherry picked from commit 0123456789)',
    'two words: no',
    '# comment',
    'url http://example.org/',
    'Empty:',
    ': no name',
  ];
  const tree = repository.git(['mktree']).toString().trim();
  const messages = Array.from(
    { length: 400 },
    () => `S\n${Array.from({ length: random.below(12) }, () => random.pick(lines)).join('\n')}\n`,
  );
  const stream = messages.map((message) => {
    const bytes = Buffer.from(message);
    return `commit refs/heads/main\ncommitter N <n@example.org> 1 +0000\ndata ${bytes.length}\n${message}\n`;
  });
  repository.git(['fast-import', '--quiet', '--done'], { input: `${stream.join('')}done\n` });
  const format = '%(trailers:only,unfold)%x00';
  const found = repository
    .git(['log', '--reverse', `--format=${format}`, 'main'])
    .toString()
    .split('\0\n');
  expect(tree).not.toBe('');
  messages.forEach((message, at) => {
    const plain = (text: string) => text.replace(/\s+/g, ' ').trim();
    const shown = parseTrailers(message).map(({ name, value }) => plain(`${name}: ${value}`));
    const expected = (found[at] ?? '').split('\n').filter((line) => line !== '');
    expect(shown, `seed ${seed}: ${JSON.stringify(message)}`).toEqual(expected.map(plain));
  });
});
