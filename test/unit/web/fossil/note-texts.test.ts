import { expect, it } from 'vitest';
import { FossilLinks } from '../../../../src/web/fossil/fossil-links.ts';
import { MOST_TEXT, showTexts, textHtml } from '../../../../src/web/fossil/pages/notes/note-texts.ts';
import type { Renderer } from '../../../../src/web/render/render-pool.ts';

const links = new FossilLinks('https://git.example.org', { owner: 'a'.repeat(64), identifier: 'p' });
const texts: string[] = [];
const renderer: Renderer = {
  render: (_, question) => {
    texts.push((question as { readonly text: string }).text);
    return Promise.resolve('<b>rendered</b>' as never);
  },
};

it('Markdown is rendered, other texts are escaped', async () => {
  const kinds = ['text/x-markdown', 'text/markdown', 'text/x-fossil-wiki', 'text/plain', 'text/html'];
  const shown = await showTexts(
    renderer,
    links,
    kinds.map((type) => ({ type, text: '<i>' })),
  );
  const html = shown.map((text) => String(textHtml(text)));
  expect(html.map((one) => one.includes('<b>rendered</b>'))).toEqual([true, true, false, false, false]);
  expect(html[4]).toContain('&lt;i&gt;');
  expect(await showTexts(undefined, links, [{ type: 'text/markdown', text: 'x' }])).toMatchObject([
    { rendered: undefined },
  ]);
});

it('one text, and all of a page, are cut', async () => {
  texts.length = 0;
  const long = { type: 'text/markdown', text: 'x'.repeat(2 * MOST_TEXT) };
  const shown = await showTexts(renderer, links, [long, long, long, long]);
  const sizes = shown.map(({ text }) => text.length);
  expect(sizes.slice(0, 2)).toEqual([MOST_TEXT + 1, MOST_TEXT + 1]);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(512 * 1024 + 4);
  expect(texts).toHaveLength(3);
});
