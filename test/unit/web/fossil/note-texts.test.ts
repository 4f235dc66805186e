import { expect, it } from 'vitest';
import { FossilLinks } from '../../../../src/web/fossil/fossil-links.ts';
import { MOST_TEXT, showTexts, textHtml } from '../../../../src/web/fossil/pages/notes/note-texts.ts';
import { type MarkdownQuestion, renderMarkdown } from '../../../../src/web/render/markdown.ts';
import type { Renderer } from '../../../../src/web/render/render-pool.ts';

const links = new FossilLinks('https://git.example.org', { owner: 'a'.repeat(64), identifier: 'p' });
const texts: string[] = [];
const questions: unknown[] = [];
const renderer: Renderer = {
  render: (_, question) => {
    questions.push(question);
    texts.push((question as { readonly text: string }).text);
    return Promise.resolve('<b>rendered</b>' as never);
  },
};

it('Markdown and the markup of Fossil are rendered, other texts are escaped', async () => {
  const kinds = ['text/x-markdown', 'text/markdown', 'text/x-fossil-wiki', 'text/plain', 'text/html'];
  const shown = await showTexts(
    renderer,
    links,
    kinds.map((type) => ({ type, text: '<i>' })),
  );
  const html = shown.map((text) => String(textHtml(text)));
  expect(html.map((one) => one.includes('<b>rendered</b>'))).toEqual([true, true, true, false, false]);
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

it('links of the markup are found once for each target, as many as there is room for', async () => {
  questions.length = 0;
  const many = Array.from({ length: 2_000 }, (_, at) => `[page ${at}]`).join('');
  const asked: string[] = [];
  const urlOf = (target: string) => {
    asked.push(target);
    return target.startsWith('page ') || target === '__proto__' ? `/wiki/${target}` : undefined;
  };
  const text = `[__proto__] [page 1| one] [page 1] [ none ] [a [page 2] ${many}`;
  await showTexts(renderer, links, [{ type: 'text/x-fossil-wiki', text }], urlOf);
  const [{ known }] = questions as [{ readonly known: ReadonlyMap<string, string> }];
  expect(asked.slice(0, 4)).toEqual(['__proto__', 'page 1', 'none', 'page 2']);
  expect([...known].slice(0, 2)).toEqual([
    ['__proto__', '/wiki/__proto__'],
    ['page 1', '/wiki/page 1'],
  ]);
  expect(known.size).toBe(1_000);
});

it('texts of one page have ids of their own', async () => {
  const rendering = {
    render: (_: string, question: MarkdownQuestion) => Promise.resolve(renderMarkdown(question)),
  } as unknown as Renderer;
  const text = (about: string) => ({ type: 'text/markdown', text: `# ${about}` });
  const shown = await showTexts(rendering, links, [text('1. Why'), text('Why'), text('1 Why')]);
  expect(shown.map(({ rendered }) => rendered?.match(/(?:id="|"#)[^"]+/g))).toEqual([
    ['id="user-content-1-why', '"#user-content-1-why'],
    ['id="user-text-1-why', '"#user-text-1-why'],
    ['id="user-text-2-1-why', '"#user-text-2-1-why'],
  ]);
});
