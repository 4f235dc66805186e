import { expect, it } from 'vitest';
import { highlightCode, highlightLines } from '../../../../src/web/render/highlight.ts';
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
