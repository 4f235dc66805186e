/** Names, texts and files that would run something in a browser, on every page that shows them, in Chromium with scripts. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PAGE_WORDS } from '../../src/nostr/repository-url.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { App } from '../../src/server/app.ts';
import { launchChromium, noChromium, Window } from '../helpers/chromium.ts';
import { fossilProject } from '../helpers/example/fossil-project.ts';
import { hostileProject } from '../helpers/example/hostile-project.ts';
import { FILES, LINE, TEXTS } from '../helpers/example/hostile-texts.ts';
import type { BrowsedRepository } from '../helpers/example/project.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { allPages, encodePath } from '../helpers/page-table.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let server: App;
let folder: TempDir | undefined;
let browser: Browser | undefined;
let project: BrowsedRepository;
let fossil: Awaited<ReturnType<typeof fossilProject>>;
let windows: readonly Window[];

beforeAll(async () => {
  if (noChromium !== undefined) return;
  folder = await tempDir('cairn-hostile');
  const store = new FaultyStore(new MemoryObjectStore());
  const names = TEXTS.map((text) =>
    [...text].filter((char) => char > '\u001f' && !'/\\'.includes(char)).join(''),
  );
  const files = Object.fromEntries(names.map((name) => [name, LINE]));
  fossil = await fossilProject(store, { comment: LINE, user: LINE, files });
  server = await startServer({ store, flags: { access: 'signed' } });
  const launched = await launchChromium();
  browser = launched;
  project = await hostileProject(server.url, folder.path);
  windows = await Promise.all([1, 2].map(() => Window.open(launched, server.url)));
});
beforeEach(({ skip }) => skip(noChromium !== undefined, noChromium));
afterAll(async () => {
  if (noChromium !== undefined) return;
  await browser?.close();
  await server?.close();
  await folder?.[Symbol.asyncDispose]();
});

/** What of a page a stranger has made, or may run something. Serialized: it uses nothing from around it. */
function foreignParts(): string[] {
  const found: string[] = [];
  const note = (what: string, one: Element) => found.push(`${what}: ${one.outerHTML.slice(0, 200)}`);
  const ran: unknown = Reflect.get(globalThis, '__cairnXss');
  if (ran !== undefined) found.push(`it ran: ${String(ran)}`);
  // Feeds and files are shown by the browser, in elements of its own.
  if (document.contentType !== 'text/html') return found;
  const isOurs = (url: string) => new URL(url, location.href).origin === location.origin;
  for (const one of document.querySelectorAll('*')) {
    for (const { name, value } of one.attributes) {
      if (/^on|^style$|^srcdoc$|^formaction$/i.test(name)) note('attribute', one);
      const isUrl = /^(?:href|src|action|data|poster|xlink:href|background|ping|srcset)$/i.test(name);
      const url = [...value]
        .filter((char) => char > ' ')
        .join('')
        .toLowerCase();
      if (isUrl && /^(?:javascript|vbscript|data:(?!image\/(?:png|jpeg|gif|webp|svg))|blob|file):?/.test(url))
        note('URL', one);
    }
    const name = one.localName;
    if (/^(?:cairn-xss|base|object|embed|applet|frame|frameset|style|math|template|noscript)$/.test(name))
      note('element', one);
    if (name === 'script' && !/^\/assets\/[\w.-]+\.js$/.test(one.getAttribute('src') ?? ''))
      note('script', one);
    if (name === 'meta' && one.hasAttribute('http-equiv')) note('meta', one);
    if (name === 'link' && !isOurs(one.getAttribute('href') ?? '') && one.getAttribute('rel') !== 'icon')
      note('link', one);
    if (name === 'form' && !isOurs(one.getAttribute('action') ?? '')) note('form', one);
    if (
      name === 'iframe' &&
      (one.closest('details:not([open])') === null || !isOurs(one.getAttribute('src') ?? ''))
    )
      note('frame', one);
    if (/^(?:img|video|audio|source)$/.test(name)) {
      const source = one.getAttribute('src') ?? '';
      if (!source.startsWith('data:') && !isOurs(source)) note('from elsewhere', one);
    }
  }
  if (document.querySelectorAll('[id="content"]').length > 1) found.push('an id of ours taken');
  return found;
}

/** Opens pages, in as many windows as there are. @returns what is wrong, by the path */
async function openAll(
  paths: readonly string[],
  check: (window: Window, path: string) => Promise<readonly string[]>,
) {
  const wrong: Record<string, readonly string[]> = {};
  const rest = [...paths];
  await Promise.all(
    windows.map(async (window) => {
      for (let path = rest.shift(); path !== undefined; path = rest.shift()) {
        const found = await check(window, path);
        if (found.length > 0) wrong[path.replace(/npub1\w+/, 'npub')] = found.slice(0, 5);
      }
    }),
  );
  return wrong;
}

/** What may not be noted while a hostile page is open. Errors in the console may: they say that something was stopped. */
function happened(window: Window): string[] {
  return window.faults().filter((fault) => /^(?:a request|a dialog|an exception)/.test(fault));
}

async function openPage(window: Window, path: string): Promise<string[]> {
  const status = await window.visit(path);
  return [
    ...([200, 400, 404].includes(status) ? [] : [`status ${status}`]),
    ...(await window.page.evaluate(foreignParts)),
    ...happened(window),
  ];
}

describe('no text of a stranger runs or becomes a part of a page', () => {
  it('from names, messages, Markdown, files, refs, profiles and discussions', async () => {
    const pages = [...allPages(project), ...Object.values(fossil).flat()];
    const seen = new Set<string>();
    const wrong = await openAll(pages, async (window, path) => {
      const found = await openPage(window, path);
      const text = await window.page.evaluate(() => document.body.innerText);
      for (const [, where = ''] of text.matchAll(/window\.__cairnXss='(\w+)'/g)) seen.add(where);
      return found;
    });
    expect(wrong).toEqual({});
    // They are shown, as text.
    expect([...seen]).toEqual(
      expect.arrayContaining([
        'script',
        'attribute',
        'svg',
        'url',
        'author',
        'name',
        'identifier',
        'symlink',
        'html',
        'svgscript',
      ]),
    );
  });

  it('from a query or a path', async () => {
    const paths = PAGE_WORDS.flatMap((word, at) => {
      const text = encodeURIComponent(TEXTS[at % TEXTS.length] ?? '');
      const other = encodeURIComponent(TEXTS[(at + 1) % TEXTS.length] ?? '');
      const free = ['q', 'author', 'path', 'from', 'context', 'space', 'label', 'next', 'topic', 'owner'];
      // A number, or one of some words: the page says that it is none.
      const bound = ['type', 'order', 'skip', 'view', 'parent', 'status', 'sort', 'page'];
      const [texts, all] = [free, [...free, ...bound]].map((fields) =>
        fields.map((field) => `${field}=${text}`).join('&'),
      );
      const page = `${project.root}/${word}/main`;
      return [`${page}?${texts}`, `${page}?${all}`, `${project.root}/${word}/${other}`];
    });
    const beside = TEXTS.slice(0, 5).flatMap((text) => {
      const encoded = encodeURIComponent(text);
      return [
        `/?q=${encoded}&sort=${encoded}&topic=${encoded}&owner=${encoded}`,
        `/sign-in?next=${encoded}&code=${encoded}`,
        `/${encoded}`,
      ];
    });
    expect(
      await openAll([...paths, ...beside], async (window, path) => openPage(window, path).catch(saved)),
    ).toEqual({});
  });

  it('from a file that is opened raw', async () => {
    const paths = Object.keys(FILES).map((file) => `${project.root}/raw/main/${encodePath(file)}`);
    const wrong = await openAll(
      [...paths, `${project.root}/feed/commits/main`, `${project.root}/feed/tags`],
      async (window, path) => {
        try {
          await window.visit(path);
          const ran = await window.page.evaluate(() => Reflect.get(globalThis, '__cairnXss') !== undefined);
          return [...(ran ? ['it ran'] : []), ...happened(window)];
        } catch (error) {
          return saved(error);
        }
      },
    );
    expect(wrong).toEqual({});
  });
});

/** A file to be saved is no page. */
function saved(error: unknown): string[] {
  if (String(error).includes('Download is starting')) return [];
  throw error;
}
