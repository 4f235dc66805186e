import { expect, it } from 'vitest';
import { systemClock } from '../../../../../src/lib/clock.ts';
import { RenderedTexts } from '../../../../../src/web/nostr/text/rendered-texts.ts';
import { type MarkdownQuestion, renderMarkdown } from '../../../../../src/web/render/markdown.ts';
import type { Renderer } from '../../../../../src/web/render/render-pool.ts';

const renderer = {
  render: (_: string, question: MarkdownQuestion) => Promise.resolve(renderMarkdown(question)),
} as unknown as Renderer;
const place = { files: '/npub1x/tool/file/HEAD', raw: '/npub1x/tool/raw/HEAD', folder: [] };

it('texts of one page have ids of their own, and their links stay within them', async () => {
  const texts = new RenderedTexts(renderer, systemClock);
  const text = '# Why\n\nx[^1] [there](#why)\n\n[^1]: y';
  const shown = (await texts.render([text, '', text, text], place)).map(String);
  const ids = shown.map((html) => [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  expect(ids.flat()).toHaveLength(9);
  expect(new Set(ids.flat()).size).toBe(9);
  expect(ids[0]).toContain('user-content-why');
  for (const [at, html] of shown.entries()) {
    const links = [...html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links).toHaveLength(at === 1 ? 0 : 4);
    for (const link of links) expect(ids[at]).toContain(link);
  }
});
