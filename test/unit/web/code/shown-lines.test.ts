import { describe, expect, it } from 'vitest';
import {
  encodingOf,
  hasHiddenDirections,
  linesOf,
  readFileText,
  wholeLines,
} from '../../../../src/web/code/file-text.ts';
import { shownLines } from '../../../../src/web/code/shown-lines.ts';
import type { CodeQuestion } from '../../../../src/web/render/highlight.ts';
import { MOST_MARKED } from '../../../../src/web/render/marked-lines.ts';
import type { Renderer } from '../../../../src/web/render/render-pool.ts';

it.each([
  ['', [], 'lf', true],
  ['a', ['a'], 'lf', false],
  ['a\n\n', ['a', ''], 'lf', true],
  ['a\r\nb\r\n', ['a', 'b'], 'crlf', true],
  ['a\r\nb', ['a', 'b'], 'crlf', false],
  ['a\r\nb\nc\n', ['a', 'b', 'c'], 'mixed', true],
  ['a\rb\n', ['a\rb'], 'lf', true],
  ['a\rb\r', ['a\rb\r'], 'lf', false],
  ['a\r\nb\r', ['a', 'b\r'], 'crlf', false],
  ['a\r\nb\nc\r', ['a', 'b', 'c\r'], 'mixed', false],
])('%j has these lines, line ends, and final line feed', (text, lines, lineEnds, endsWithLineFeed) => {
  expect(linesOf(text)).toEqual({ lines, lineEnds, endsWithLineFeed });
});

describe('the encoding of a file', () => {
  const be = (text: string) => Buffer.from(text, 'utf16le').swap16();

  it.each([
    ['utf-8', Buffer.from('Grüße')],
    ['utf-8', Buffer.from('\ufeffGrüße')],
    ['utf-8', Buffer.alloc(0)],
    ['utf-16le', Buffer.from('\ufeffGrüße €', 'utf16le')],
    ['utf-16be', be('\ufeffGrüße €')],
    ['utf-16le', Buffer.from('Grüße\r\nan alle € '.repeat(600), 'utf16le')],
    ['utf-16be', be('Grüße\n')],
    ['windows-1252', Buffer.from('Grüße', 'latin1')],
    ['windows-1252', Buffer.from('Grüße \x93\x94', 'latin1')],
  ])('is %s of %j', (encoding, content) => {
    const read = readFileText(content);
    expect(read.is === 'text' && read.encoding).toBe(encoding);
    if (content.length > 0) expect(read.is === 'text' && read.text.slice(0, 5)).toBe('Grüße');
  });

  it('is found from the whole lines of a beginning', () => {
    const cut = Buffer.from('Grüße\nü').subarray(0, -1);
    expect(encodingOf(cut)).toBe('windows-1252');
    expect(encodingOf(wholeLines(cut))).toBe('utf-8');
    expect(wholeLines(Buffer.from('one'))).toEqual(Buffer.from('one'));
  });

  it('is unknown for other bytes', () => {
    for (const content of [
      Buffer.from([0]),
      Buffer.alloc(100),
      Buffer.from([0x61, 0, 0x62]),
      Buffer.from('a\0b\0c\0\0d'),
      Buffer.from([1, 0, 2, 0, 3, 0, 4, 0]),
      Buffer.from('\ufeff\0a\0\n\0', 'utf16le'),
      Buffer.from('\0\ufeff\0a', 'utf16le').swap16(),
      Buffer.from('many letters and one \0 ...'),
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d]),
    ])
      expect(readFileText(content)).toEqual({ is: 'binary' });
  });
});

it('characters that change the writing direction are found', () => {
  expect(['a\u202eb', '\u2066'].map(hasHiddenDirections)).toEqual([true, true]);
  expect(['', 'עברית', '\u200f'].map(hasHiddenDirections)).toEqual([false, false, false]);
});

describe('the shown part of a text', () => {
  const plain = (text: string) => shownLines({ text, encoding: 'utf-8' });

  it('has at most 20,000 lines of 2,000 characters', async () => {
    const many = await plain('x\n'.repeat(20_001));
    expect([many.lines.length, many.cut]).toEqual([20_000, true]);
    expect((await plain('x\n'.repeat(20_000))).cut).toBe(false);
    const long = await plain(`${'y'.repeat(2_001)}\n`);
    expect([long.lines[0], long.cut]).toEqual([`${'y'.repeat(2_000)}…`, true]);
    expect((await plain('y'.repeat(2_000))).cut).toBe(false);
    expect((await plain(`${'y'.repeat(1_999)}\u{1f600}`)).lines[0]).toBe(`${'y'.repeat(1_999)}…`);
  });

  it('is highlighted in the language of its name, unless it is too large', async () => {
    const asked: CodeQuestion[] = [];
    const marks = (reply: unknown): Renderer => ({
      render: (_, question) => {
        asked.push(question as CodeQuestion);
        return Promise.resolve(reply as undefined);
      },
    });
    const marked = (text: string, name: string, reply: unknown) =>
      shownLines({ text, encoding: 'utf-8' }, { renderer: marks(reply), name });
    expect((await marked('a\r\nb\n', 'x.c', ['A', 'B'])).marked).toEqual(['A', 'B']);
    expect(asked).toEqual([{ text: 'a\nb', language: 'c', columns: 2_000 }]);
    // Lines that do not fit those of the text would stand at wrong numbers.
    expect((await marked('a\nb\n', 'x.c', ['A'])).marked).toBeUndefined();
    expect((await marked('a\n', 'x.c', undefined)).marked).toBeUndefined();
    asked.length = 0;
    await marked('x', 'unknown', ['X']);
    await marked('', 'x.c', ['X']);
    await marked('x\n'.repeat(MOST_MARKED / 2 + 1), 'x.c', ['X']);
    // Only the lines that are shown are marked.
    expect(asked.map(({ text }) => text.length)).toEqual([39_999]);
    asked.length = 0;
    await marked('x'.repeat(MOST_MARKED + 1), 'x.c', ['X']);
    expect(asked).toEqual([]);
  });
});
