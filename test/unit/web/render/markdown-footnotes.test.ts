import { expect, it } from 'vitest';
import { renderMarkdown } from '../../../../src/web/render/markdown.ts';
import { renderNotebook } from '../../../../src/web/render/render-notebook.ts';

const place = { files: '/npub1x/tool/file/main', raw: '/npub1x/tool/raw/main', folder: [] };
const render = (text: string) => renderMarkdown({ text, place }).trim();

it('footnotes stand below the text, in the order in which it mentions them, with links in both directions', () => {
  expect(render('[^b]: The *second*.\n\nOne[^a] and two[^b].\n\n[^a]: The first.')).toBe(
    `<p>One<sup><a id="user-content-fnref-1" aria-label="Footnote 1" href="#user-content-fn-1">1</a></sup> and two<sup><a id="user-content-fnref-2" aria-label="Footnote 2" href="#user-content-fn-2">2</a></sup>.</p>
<div class="footnotes">
<ol>
<li id="user-content-fn-1">
<p>The first. <a class="back" aria-label="Back to footnote 1 in the text" href="#user-content-fnref-1">↩</a></p>
</li>
<li id="user-content-fn-2">
<p>The <em>second</em>. <a class="back" aria-label="Back to footnote 2 in the text" href="#user-content-fnref-2">↩</a></p>
</li>
</ol>
</div>`,
  );
});

it('a footnote has the paragraphs, lists and code that are indented below it, and ends before the next text', () => {
  const html = render(
    'x[^1]\n\n[^1]: One\n    goes on\nand lazily on.\n\n    - item\n\n          code\n\nAfter.',
  );
  expect(html.indexOf('<p>After.</p>')).toBeLessThan(html.indexOf('footnotes'));
  const [, note = ''] = /<li id="user-content-fn-1">(.*)<\/li>\n<\/ol>\n<\/div>$/s.exec(html) ?? [];
  expect(note).toContain('<p>One\ngoes on\nand lazily on.</p>');
  expect(note).toContain('<li>\n<p>item</p>\n<pre tabindex="0"><code>code');
  // Behind a list, the way back has a paragraph of its own.
  expect(note).toMatch(/<p><a class="back"[^>]*>↩<\/a><\/p>\s*$/);
});

it('a footnote that is mentioned several times has a way back to each place, up to a bound', () => {
  const html = render(`${'x[^a] '.repeat(30)}\n\n[^a]: y`);
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(ids.slice(0, 3)).toEqual([
    'user-content-fnref-1',
    'user-content-fnref-1-2',
    'user-content-fnref-1-3',
  ]);
  expect(new Set(ids).size).toBe(31);
  expect(html.match(/↩/g)).toHaveLength(20);
  expect(html).toContain('aria-label="Back to footnote 1 in the text, place 2"');
});

it.each([
  ['no such note[^x]', '<p>no such note[^x]</p>'],
  ['\\[^a]\n\n[^a]: y', '<p>[^a]</p>'],
  ['`[^a]`\n\n[^a]: y', '<p><code>[^a]</code></p>'],
  // A reference of CommonMark may have such a name.
  ['x [^a b]\n\n[^a b]: y', '<p>x <a href="/npub1x/tool/file/main/y">^a b</a></p>'],
  ['    [^a]: y\n\nx [^a]', '<pre tabindex="0"><code>[^a]: y\n</code></pre>\n<p>x [^a]</p>'],
  ['[^unused]: y', ''],
])('%j is no footnote', (text, expected) => {
  expect(render(text)).toBe(expected);
});

it('of two footnotes of a name the first counts, whatever the case', () => {
  const html = render('x[^Note]\n\n[^note]: first\n[^NOTE]: second');
  expect(html).toContain('first');
  expect(html).not.toContain('second');
});

it('footnotes mention others, and themselves, and stand in quotes, lists, tables and headings', () => {
  const html = render(
    '# Title[^h]\n\n> quote[^q]\n>\n> [^q]: in the quote[^q] and [^h]\n\n- item[^i]\n\n  [^i]: in the item\n\n| a[^t] |\n|---|\n| b |\n\n[^t]: of a table\n[^h]: heading[^deep]\n[^deep]: deep',
  );
  expect(html).toContain('<h1 id="user-content-title">');
  expect(html.match(/<li id="user-content-fn-\d">/g)).toHaveLength(5);
  expect(html).toMatch(/<li id="user-content-fn-5">\n<p>deep /);
  expect(html).toContain('<blockquote>\n<p>quote<sup>');
});

it('no link has a link in it', () => {
  for (const link of ['<a href="/y">x[^a]</a>', '[x[^a]](/y)']) {
    const html = render(`${link} [^a]\n\n[^a]: z`);
    expect(html).not.toMatch(/<a [^>]*>(?:(?!<\/a>).)*<a /s);
    expect(html).toContain('<a id="user-content-fnref-1"');
  }
});

it('more mentions than a text has links for stay as they are written', () => {
  const html = render(`${'[^a]'.repeat(3_000)}\n\n[^a]: z`);
  expect(html.match(/<sup>/g)).toHaveLength(2_000);
  expect(html.match(/\[\^a\]/g)).toHaveLength(1_000);
});

it('the cells of a notebook have footnotes and headings of their own', () => {
  const cell = { cell_type: 'markdown', source: '# Part\n\nx[^1] [there](#part-1)\n\n[^1]: y' };
  const notebook = renderNotebook({
    text: JSON.stringify({ nbformat: 4, metadata: {}, cells: [cell, cell, cell] }),
    place,
  });
  const html = notebook?.cells.map((one) => one.html).join('') ?? '';
  const ids = [...html.matchAll(/ id="user-content-([^"]+)"/g)].map(([, id]) => id);
  expect(ids).toEqual([
    ...['part', 'fnref-1', 'fn-1'],
    ...['part-1', 'fnref-2.1', 'fn-2.1'],
    ...['part-2', 'fnref-3.1', 'fn-3.1'],
  ]);
  for (const [, id = ''] of html.matchAll(/href="#user-content-([^"]+)"/g)) expect(ids).toContain(id);
});

it('links of footnotes lead to the same cell of a notebook, however often it mentions them', () => {
  const source = 'a[^1] b[^2] c[^1] d[^2] e[^2]\n\n[^1]: x\n[^2]: y';
  const cells = Array.from({ length: 4 }, () => ({ cell_type: 'markdown', source }));
  const notebook = renderNotebook({ text: JSON.stringify({ nbformat: 4, metadata: {}, cells }), place });
  const htmls = notebook?.cells.map((one) => one.html) ?? [];
  const idsOf = (html: string) => [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(htmls.flatMap(idsOf)).size).toBe(4 * 7);
  for (const html of htmls)
    for (const [, id] of html.matchAll(/href="#([^"]+)"/g)) expect(idsOf(html)).toContain(id);
});
