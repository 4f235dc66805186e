/** Every page in Chromium: light, dark, on a telephone, by keyboard, and without scripts. */
import { readFile } from 'node:fs/promises';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { App } from '../../src/server/app.ts';
import { AXE, launchChromium, noChromium, Window } from '../helpers/chromium.ts';
import { forgottenFossilWords, fossilProject } from '../helpers/example/fossil-project.ts';
import { type BrowsedRepository, exampleProject } from '../helpers/example/project.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { allPages, forgottenWords } from '../helpers/page-table.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const NARROW = 360;

let server: App | undefined;
let folder: TempDir | undefined;
let browser: Browser | undefined;
let project: BrowsedRepository;
let fossil: Awaited<ReturnType<typeof fossilProject>>;
let axe: string;
/** Where scripts run, and where not. */
let window: Window;
let plain: Window;

beforeAll(async () => {
  if (noChromium !== undefined) return;
  folder = await tempDir('cairn-pages');
  const store = new FaultyStore(new MemoryObjectStore());
  fossil = await fossilProject(store, {
    comment: 'Begin, with a [link]',
    user: 'ada',
    files: { 'README.md': '# Tides\n', 'src/main.c': 'int main(void) { return 0; }\n' },
  });
  server = await startServer({ store, flags: { access: 'signed' } });
  browser = await launchChromium();
  project = await exampleProject(server.url, folder.path);
  axe = await readFile(AXE, 'utf8');
  window = await Window.open(browser, server.url);
  plain = await Window.open(browser, server.url, { scripts: false, scheme: 'dark', width: NARROW });
});
beforeEach(({ skip }) => skip(noChromium !== undefined, noChromium));
afterAll(async () => {
  if (noChromium !== undefined) return;
  await browser?.close();
  await server?.close();
  await folder?.[Symbol.asyncDispose]();
});

/** What axe-core finds that is more than minor, with the elements. */
async function inaccessible(rules: RunOptions): Promise<string[]> {
  const { violations } = await window.page.evaluate<AxeResults, RunOptions>(
    (options) => (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run(options),
    { ...rules, resultTypes: ['violations'] },
  );
  return violations
    .filter(({ impact }) => impact !== 'minor')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html }) => html.slice(0, 150))
          .slice(0, 3)
          .join(' ')}`,
    );
}

/** Presses Tab, and tells where the focus is and whether it is to be seen. */
async function tab() {
  await window.page.keyboard.press('Tab');
  return window.page.evaluate(() => {
    const focused = document.activeElement;
    // Behind the last thing that takes it.
    if (focused === null || focused === document.body) return undefined;
    const { outlineStyle, outlineWidth } = getComputedStyle(focused);
    const { width, height, left, top } = focused.getBoundingClientRect();
    return {
      href: focused.getAttribute('href') ?? '',
      outlined: outlineStyle !== 'none' && outlineWidth !== '0px',
      visible: width > 1 && height > 1 && left >= 0 && top >= 0,
    };
  });
}

/** What a page is wider than, at the width of a telephone: the elements that stick out. */
function wideElements({ page }: Window) {
  return page.evaluate((width) => {
    if ((document.scrollingElement?.scrollWidth ?? 0) <= width) return [];
    const wide = [...document.querySelectorAll('body *')].filter(
      (one) => one.getBoundingClientRect().right > width + 1,
    );
    return wide
      .slice(-3)
      .map((one) => one.outerHTML.slice(0, 150))
      .concat('the page scrolls');
  }, NARROW);
}

/** The text of the page, without space. */
function text({ page }: Window) {
  return page.evaluate(() => (document.querySelector('main')?.textContent ?? '').replace(/\s+/g, ''));
}

describe('pages', () => {
  it('are all in the table of the tests', () => {
    expect([...forgottenWords(), ...forgottenFossilWords(fossil)]).toEqual([]);
  });

  it('work in light and dark, on a phone, by keyboard, for axe-core, and without scripts', async () => {
    const wrong: Record<string, unknown> = {};
    for (const path of [...allPages(project), ...Object.values(fossil).flat()]) {
      const found = await lookAt(path);
      if (Object.keys(found).length > 0) wrong[path.replace(/npub1\w+/, 'npub')] = found;
    }
    expect(wrong).toEqual({});
  }, 600_000);
});

/** Everything that is wrong with a page, by what was looked at. */
async function lookAt(path: string): Promise<Record<string, unknown>> {
  const expected = path.endsWith('/none') ? 404 : 200;
  // Two visits at once: there are two processors.
  const [scripted, plainly] = await Promise.all([lookWithScripts(path), lookWithout(path)]);
  const wrong: Record<string, unknown> = {};
  const note = (what: string, faults: readonly unknown[]) => {
    if (faults.length > 0) wrong[what] = faults;
  };
  for (const [name, { status, faults, wide }] of Object.entries({ scripted, plainly })) {
    if (status !== expected) wrong[`${name}: status`] = status;
    note(`${name}: faults`, expected === 404 ? faults.filter((fault) => !fault.includes('404')) : faults);
    note(`${name}: wider than a telephone`, wide);
  }
  const { landmarks, focused, light, dark } = scripted;
  note('landmarks', landmarks);
  if (focused[0]?.href !== '#content') wrong['the first Tab reaches no skip link'] = focused[0];
  note(
    'focus that is not seen',
    focused.filter((one) => one?.outlined === false || one?.visible === false),
  );
  note('light', light);
  note('dark', dark);
  if (!plainly.text.startsWith(scripted.text.slice(0, 100)))
    wrong['text without scripts'] = plainly.text.slice(0, 100);
  return wrong;
}

async function lookWithScripts(path: string) {
  await window.look({ scheme: 'light', width: 1280 });
  const status = await window.visit(path);
  const landmarks = await window.page.evaluate(() =>
    // A text that is shown may have headings of its own.
    ['main', 'footer', 'h1'].filter((name) => {
      const count = document.querySelectorAll(name).length;
      return name === 'h1' ? count === 0 : count !== 1;
    }),
  );
  const focused = [await tab(), await tab(), await tab()];
  await window.page.evaluate(axe);
  const light = await inaccessible({});
  await window.look({ scheme: 'dark' });
  const dark = await inaccessible({ runOnly: ['color-contrast', 'link-in-text-block'] });
  await window.look({ width: NARROW });
  const wide = await wideElements(window);
  return { status, landmarks, focused, light, dark, wide, faults: window.faults(), text: await text(window) };
}

async function lookWithout(path: string) {
  const status = await plain.visit(path);
  return { status, wide: await wideElements(plain), faults: plain.faults(), text: await text(plain) };
}
