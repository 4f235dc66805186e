import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../../src/web/render/markdown.ts';

const place = { files: '/npub1x/tool/file/main', raw: '/npub1x/tool/raw/main', folder: ['docs'] };
const render = (text: string, folder = place.folder) =>
  renderMarkdown({ text, place: { ...place, folder } }).trim();

describe('rendered Markdown', () => {
  it('has headings with anchors, which do not collide with ids of the page', () => {
    const html = render('# Hello *World*!\n\n## Größe & Co\n\n# Hello World\n\n[there](#hello-world)');
    expect(html).toContain('<h1 id="user-content-hello-world">Hello <em>World</em>!<a class="anchor"');
    expect(html).toContain('<h2 id="user-content-größe--co">');
    expect(html).toContain('<h1 id="user-content-hello-world-1">');
    expect(html).toContain('<a href="#user-content-hello-world">there</a>');
    expect(render('<a name="top"></a><h1 id="main">x</h1>')).toContain('id="user-content-top"');
  });

  it.each([
    ['# a\n# a\n# a-1\n# a', ['a', 'a-1', 'a-1-1', 'a-2']],
    ['# a-1\n# a\n# a', ['a-1', 'a', 'a-2']],
    ['<a name="use"></a>\n# Use\n# Use', ['use', 'use-1', 'use-2']],
    ["# Use\n\nx <b id='use'>y</b>", ['use-1', 'use']],
    ['<p id="x">1</p>\n\n<p id="x">2</p>\n\n<p id="user-content-x">3</p>', ['x']],
    ['# fn-1\n\nx[^1]\n\n[^1]: y', ['fn-1-1', 'fnref-1', 'fn-1']],
  ])('has each id once: %j', (text, ids) => {
    const found = [...render(text).matchAll(/ id="user-content-([^"]+)"/g)].map(([, id]) => id);
    expect(found).toEqual(ids);
  });

  it('has ids that begin as its place says, and links to them', () => {
    const text =
      '# Use\n\n<a name="user-content-top"></a>[a](#use) [b](#user-text-2-use) [c](#top) [d](x.md#use) y[^1]\n\n[^1]: z';
    const html = renderMarkdown({ text, place: { ...place, ids: '2-' } });
    const [ids, links] = [/ id="([^"]+)"/g, / href="[^"#]*#([^"]+)"/g].map((pattern) =>
      [...html.matchAll(pattern)].map(([, id]) => id),
    );
    expect(ids).toEqual(['user-text-2-use', 'user-text-2-top', 'user-text-2-fnref-1', 'user-text-2-fn-1']);
    const [use, top, reference, footnote] = ids ?? [];
    expect(links).toEqual([use, use, use, top, 'user-content-use', footnote, reference]);
  });

  it('has scrollable tables with aligned cells, without inline styles', () => {
    const html = render('| a | b |\n|:-:|--:|\n| 1 | `2` |');
    expect(html).toMatch(/^<div class="scroll" tabindex="0"><table>/);
    expect(html).toContain('<th scope="col" align="center">a</th>');
    expect(html).toContain('<td align="right"><code>2</code></td>');
    expect(html).not.toContain('style');
  });

  it('has task lists, strikethrough and alerts', () => {
    expect(render('- [ ] one\n- [x] ~~two~~')).toBe(
      `<ul>
<li class="task"><input type="checkbox" disabled aria-label="To do" /> one</li>
<li class="task"><input type="checkbox" disabled checked aria-label="Done" /> <s>two</s></li>
</ul>`,
    );
    expect(render('> [!WARNING]\n> Take care')).toBe(
      '<div class="alert alert-warning">\n<p class="alert-title">Warning</p><p>Take care</p>\n</div>',
    );
    expect(render('> [!WARNING] no')).toMatch(/^<blockquote>/);
  });

  it('has highlighted code, and front matter is not shown as text', () => {
    expect(render('```ts\nconst a = 1;\n```')).toContain('<span class="hljs-keyword">const</span>');
    expect(render('```no-such-language\na < b\n```')).toContain('a &lt; b');
    expect(render('---\ntitle: x\n---\n# Begin')).toMatch(/^<pre tabindex="0"><code class="language-yaml">/);
  });

  it('highlights only a limited amount of code', () => {
    const block = `\`\`\`js\n${'let a = 1;\n'.repeat(1_500)}\`\`\`\n\n`;
    const marked = render(block.repeat(10)).match(/<pre[^>]*><code class="language-js"><span/g);
    expect(marked).toHaveLength(6);
  });

  it('has links for plain URLs, and not for file names', () => {
    expect(render('see https://example.org/a and README.md and nostr:npub1abc')).toBe(
      '<p>see <a href="https://example.org/a" rel="nofollow ugc noopener">https://example.org/a</a> and README.md and ' +
        '<a href="nostr:npub1abc" rel="nofollow ugc noopener">nostr:npub1abc</a></p>',
    );
  });

  it.each([
    ['guide.md', '/npub1x/tool/file/main/docs/guide.md'],
    ['./a/../guide.md?plain=1', '/npub1x/tool/file/main/docs/guide.md'],
    ['../LICENSE#L10-L20', '/npub1x/tool/file/main/LICENSE#L10-L20'],
    ['/LICENSE#Use', '/npub1x/tool/file/main/LICENSE#user-content-Use'],
    ['../', '/npub1x/tool/file/main'],
    ['<a b/ä%20"\'.md>', "/npub1x/tool/file/main/docs/a%20b/%C3%A4%20%22'.md"],
    ['..\\x', '/npub1x/tool/file/main/docs/..%5Cx'],
    ['../../etc', undefined],
    ['%2e%2e/%2E%2e/%2e%2e/x', undefined],
    ['//evil.example/x', 'https://evil.example/x'],
    ['/\\evil.example', '/npub1x/tool/file/main/%5Cevil.example'],
    ['mailto:a@example.org', 'mailto:a@example.org'],
    ['ftp://example.org/', undefined],
    ['nostr:npub1x', 'nostr:npub1x'],
  ])('resolves a link to %s in the same revision or outside', (link, expected) => {
    const [, href] = /href="([^"]*)"/.exec(render(`[x](${link})`)) ?? [];
    expect(href?.replaceAll('&quot;', '"')).toBe(expected);
  });

  it.each([
    ['../../issues', 'issues'],
    ['../../issues/new?labels=bug', 'issues'],
    ['../../releases/latest', 'tags'],
    ['../../blob/v1.0/a%20b.md', 'file/v1.0/a%20b.md'],
    ['../../blob/v1/a.md#use', 'file/v1/a.md#user-content-use'],
    ['../../blob/v1/a.ts#L3', 'file/v1/a.ts#L3'],
    ['../../tree/v1/src/', 'tree/v1/src'],
    ['./../.././compare/a...b', 'compare/a...b'],
    ['../../tree/../../x', undefined],
    ['../../../issues', undefined],
    ['../issues', undefined],
    ['../../wiki', undefined],
    ['../../__proto__', undefined],
    ['../../sign-out', undefined],
    ['../../tree/"><script>', 'tree/%22%3E%3Cscript%3E'],
  ])('resolves %s at the root to another page of the repository, or to nothing', (link, expected) => {
    const root = { ...place, folder: [], repository: '/npub1x/tool' };
    const html = renderMarkdown({ text: `[x](<${link.replace(/[<>]/g, '\\$&')}>)`, place: root });
    const [, href] = /href="([^"]*)"/.exec(html) ?? [];
    expect(href).toBe(expected === undefined ? undefined : `/npub1x/tool/${expected}`);
    // Where the pages are not known, files are the only targets.
    expect(render(`[x](<${link.replace(/[<>]/g, '\\$&')}>)`, [])).not.toContain('href');
  });

  it('shows pictures of other revisions', () => {
    const root = { ...place, folder: ['docs'], repository: '/npub1x/tool' };
    const text = '![a](../../../raw/v1/a.png) ![b](../../../blob/v1/b.png?raw=true) ![c](../../../issues)';
    expect(
      [...renderMarkdown({ text, place: root }).matchAll(/src="([^"]*)"/g)].map(([, src]) => src),
    ).toEqual(['/npub1x/tool/raw/v1/a.png', '/npub1x/tool/raw/v1/b.png']);
  });

  it('shows pictures of the repository, and loads none from other hosts', () => {
    expect(render('![Logo](../logo.svg?raw=true)')).toBe(
      '<p><img src="/npub1x/tool/raw/main/logo.svg" alt="Logo" loading="lazy" /></p>',
    );
    expect(render('<img src="x.png" width="100" height="9999" srcset="https://e.example/y.png 2x">')).toBe(
      '<img width="100" src="/npub1x/tool/raw/main/docs/x.png" alt="x.png" loading="lazy" />',
    );
    expect(render('![CI & co](https://badge.example/ci.svg)')).toBe(
      '<p><a class="outside" href="https://badge.example/ci.svg" rel="nofollow ugc noopener">CI &amp; co</a></p>',
    );
    expect(render('[![CI](https://badge.example/ci.svg)](https://ci.example)')).toBe(
      '<p><a href="https://ci.example/" rel="nofollow ugc noopener"><span class="outside">CI</span></a></p>',
    );
    expect(render('![x](data:image/png;base64,AAAA)')).not.toMatch(/<img|href/);
  });

  it('keeps harmless HTML that READMEs use', () => {
    const html = render(
      '<p align="center"><b>x</b></p>\n\n<details open><summary>More</summary>\n\n*in*\n\n</details>\n\n<kbd>Ctrl</kbd> H<sub>2</sub>O',
    );
    expect(html).toContain('<p align="center"><b>x</b></p>');
    expect(html).toContain('<details open><summary>More</summary>\n<p><em>in</em></p>\n</details>');
    expect(html).toContain('<kbd>Ctrl</kbd> H<sub>2</sub>O');
  });

  it('has boxes of tasks, and no other input', () => {
    expect(render('a <input type="text" value="x"> b')).toBe('<p>a <span></span> b</p>');
    expect(render('<input type="CHECKBOX" checked>')).toContain('<input type="checkbox" disabled checked');
  });

  it('has a limited size for a short text', () => {
    const many = `[a]: http://x/${'y'.repeat(1_900)}\n\n${'[a] '.repeat(20_000)}`;
    expect(() => render(many)).toThrow('too large');
    const depth = (html: string) => html.match(/<blockquote>|<div>/g)?.length ?? 0;
    expect(depth(render(`${'>'.repeat(5_000)} x`))).toBeLessThanOrEqual(60);
    expect(depth(render('<div>'.repeat(5_000)))).toBeLessThanOrEqual(60);
    expect(render('<table><tr><td colspan="1000" rowspan="65534">x</td></tr></table>')).toContain(
      '<td>x</td>',
    );
    expect(render(`<b id="${'x'.repeat(10_000)}">x</b>`).length).toBeLessThan(300);
  });

  it('takes time proportional to the text', () => {
    // Where the time grows faster than the text, these never end.
    for (const part of [
      '>',
      '> ',
      '- ',
      '*a_ ',
      '**a*b',
      '[',
      '![[',
      '[a](',
      '`',
      '<div>',
      '<a ',
      '<!--',
      '&amp',
      '~~a ',
      'x[^a]\n\n[^a]: y\n\n',
      '[^a]: ',
      '[^a]: [^b]\n[^b]: [^a]\n',
      '[^a]:\n    ',
    ]) {
      expect(render(part.repeat(4_000)).length, part).toBeLessThan(4_000_000);
    }
  });
});
