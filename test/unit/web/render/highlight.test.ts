import { expect, it } from 'vitest';
import {
  highlightCode,
  highlightLines,
  highlightPieces,
  MOST_WHOLE,
} from '../../../../src/web/render/highlight.ts';
import { LANGUAGES } from '../../../../src/web/render/language-of.ts';
import { MOST_MARKED } from '../../../../src/web/render/marked-lines.ts';

const columns = 100;

it('highlighted lines are each complete and escaped', () => {
  const text = '/* <a>\n & */ const x = 1;';
  expect(highlightLines({ text, language: 'typescript', columns })).toEqual([
    '<span class="hljs-comment">/* &lt;a&gt;</span>',
    '<span class="hljs-comment"> &amp; */</span> <span class="hljs-keyword">const</span> x = <span class="hljs-number">1</span>;',
  ]);
});

it('blocks are highlighted by the name or the file ending of a language', () => {
  expect(highlightCode('if', 'ts')).toContain('hljs-keyword');
  expect(highlightCode('x', 'no-such-language')).toBeUndefined();
});

it('all languages are known, including embedded ones', () => {
  for (const language of LANGUAGES)
    expect(highlightLines({ text: 'x', language, columns }), language).toHaveLength(1);
  const page = highlightLines({ text: '<style>a { color: red }</style>', language: 'xml', columns });
  expect(page?.join('')).toContain('hljs-attribute');
});

it('large texts, and texts with large HTML, stay plain', () => {
  expect(highlightLines({ text: 'x'.repeat(MOST_MARKED + 1), language: 'c', columns })).toBeUndefined();
  expect(highlightLines({ text: '[{},'.repeat(35_000), language: 'json', columns })).toBeUndefined();
});

it('wanted lines within a comment are marked from its beginning, while there is room for that', () => {
  const long = `/*\n${'x\n'.repeat(MOST_WHOLE / 8)}*/\nif (x) y;\n`;
  const wanted = [
    { first: 5, count: 1 },
    { first: MOST_WHOLE / 8, count: 3 },
  ];
  const piece = { text: long, language: 'c', wanted } as const;
  const pieces = [piece, piece, piece, piece, piece];
  const comment = '<span class="hljs-comment">x</span>';
  const marked = highlightPieces({ pieces, columns });
  const end = ['<span class="hljs-comment">*/</span>', '<span class="hljs-keyword">if</span> (x) y;'];
  for (const lines of marked.slice(0, 3)) expect(lines).toEqual([comment, comment, ...end]);
  expect(marked[4]).toEqual([comment, 'x', '*/', end[1]]);
});

it('wanted lines of a language about which nothing is known are marked with all before them', () => {
  const wanted = [{ first: 1, count: 1 }];
  const pieces = [{ text: '=begin\nif\n=end\n', language: 'ruby', wanted }] as const;
  expect(highlightPieces({ pieces, columns })).toEqual([['<span class="hljs-comment">if</span>']]);
});
