import { html } from 'hono/html';
import { describe, expect, it } from 'vitest';
import { PAGE_SCRIPT, STYLE_SHEET } from '../../../src/web/assets/assets.ts';
import { page, shellWord } from '../../../src/web/layout.ts';
import { PAGE_HEADERS } from '../../../src/web/page-headers.ts';
import { cut, userText } from '../../../src/web/user-text.ts';

describe('a word of a shell command', () => {
  it.each([
    ['https://git.example.org/git/npub1x/tool.git', 'https://git.example.org/git/npub1x/tool.git'],
    ["https://git.example.org/git/npub1x/it's.git", "'https://git.example.org/git/npub1x/it'\\''s.git'"],
    ['$(reboot)', "'$(reboot)'"],
    ['a;b', "'a;b'"],
    ['!!', "'!!'"],
    ['ünï', "'ünï'"],
    ['', "''"],
  ])('%s', (text, word) => {
    expect(shellWord(text)).toBe(word);
  });
});

describe('text of a user', () => {
  it('is escaped, and isolated in its writing direction', () => {
    expect(String(userText('<b>"\u202Ehi\'&', 100))).toBe('<bdi>&lt;b&gt;&quot;\u202Ehi&#39;&amp;</bdi>');
  });

  it.each([
    ['short', 5, 'short'],
    ['longer', 5, 'longe…'],
    ['one two', 4, 'one…'],
    ['ab🚀', 3, 'ab…'],
    ['ab🚀', 4, 'ab🚀'],
  ])('%s, cut to %i', (text, limit, shown) => {
    expect(cut(text, limit)).toBe(shown);
  });
});

describe('the layout of a page', () => {
  const text = String(page({ title: 'A "title"', base: 'https://git.example.org', content: html`<p>x</p>` }));

  it('loads its style sheet and script from its own server, and nothing from others', () => {
    const policy = PAGE_HEADERS['Content-Security-Policy']?.split('; ');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).toContain("script-src 'self'");
    expect(policy?.join()).not.toMatch(/unsafe|https?:|\*/);
    expect(text.match(/<style|<script|style=|<link|<img/g)).toEqual(['<link', '<link', '<script']);
    for (const { path } of [STYLE_SHEET, PAGE_SCRIPT]) expect(text).toContain(`"${path}"`);
  });

  it('links to them below the path of the base URL', () => {
    const below = String(page({ title: 'x', base: 'https://example.org/git/', content: html`` }));
    expect(below).toContain(`"/git${STYLE_SHEET.path}"`);
  });

  it('has a language and a title, and links to the home page', () => {
    expect(text).toContain('<html lang="en">');
    expect(text).toContain('<title>A &quot;title&quot;</title>');
    expect(text).toMatch(/<a href="https:\/\/git\.example\.org\/"><svg .*<\/svg>git\.example\.org<\/a>/);
    // The keyboard comes to the content first.
    expect(text).toMatch(/<body>\s*<a class="skip" href="#content">/);
    expect(text).toContain('<main id="content" tabindex="-1">');
  });
});
