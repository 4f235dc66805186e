/** Lines of a file that a URL names, in Chromium, with scripts and without. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { formatNpub } from '../../src/nostr/public-key.ts';
import type { App } from '../../src/server/app.ts';
import { launchChromium, noChromium, Window } from '../helpers/chromium.ts';
import { GitClient } from '../helpers/git-client.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const root = `/${formatNpub(OWNER)}/lines`;
let server: App | undefined;
let folder: TempDir | undefined;
let browser: Browser | undefined;
let tip: string;
let window: Window;

beforeAll(async () => {
  if (noChromium !== undefined) return;
  folder = await tempDir('cairn-lines');
  server = await startServer({ flags: { access: 'open' } });
  browser = await launchChromium();
  const client = await new GitClient(folder.path).init('lines');
  const text = Array.from({ length: 200 }, (_, at) => `const x${at} = ${at};\n`).join('');
  tip = await client.commit('Begin', { 'a.ts': text, 'b.md': '# Title\n\ntext\n' });
  await client.run(['push', '-q', repositoryUrl(server, 'lines'), 'main']);
  window = await Window.open(browser, server.url);
});
beforeEach(({ skip }) => skip(noChromium !== undefined, noChromium));
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await folder?.[Symbol.asyncDispose]();
});

/** The numbers of the lines that are marked. */
const named = () => window.page.locator('tr.named .number').allTextContents();

it('a range is highlighted and scrolled to, Shift and a click select one, and the permalink keeps it', async () => {
  await window.visit(`${root}/file/main/a.ts#L150-L152`);
  expect(await named()).toEqual(['150', '151', '152']);
  expect(await window.page.evaluate(() => document.scrollingElement?.scrollTop ?? 0)).toBeGreaterThan(0);
  await window.page.click('#L149 .number a', { modifiers: ['Shift'] });
  expect(await named()).toEqual(['149', '150', '151', '152']);
  expect(new URL(window.page.url()).hash).toBe('#L149-L152');
  const permalink = await window.page.getAttribute('a.permalink', 'href');
  expect(permalink).toMatch(`/file/${tip}/a.ts#L149-L152`);
  await window.page.click('#L151 .number a');
  expect(await named()).toEqual(['151']);
  expect(new URL(window.page.url()).hash).toBe('#L151');
  expect(window.faults()).toEqual([]);
});

it.each([
  ['#L152-150', ['150', '151', '152']],
  ['#L199-L900000', ['199', '200']],
  ['#L900000-L999999', []],
  ['#L0', []],
  ['#L1-', []],
  ['#<img src=x onerror=alert(1)>', []],
])('the fragment %s highlights %j', async (hash, lines) => {
  await window.visit('/');
  await window.visit(`${root}/file/main/a.ts${hash}`);
  expect(await named()).toEqual(lines);
  expect(window.faults()).toEqual([]);
});

it('lines of Markdown link to its source', async () => {
  await window.visit(`${root}/file/main/b.md#L3`);
  await window.page.waitForURL(`**/b.md?plain=1#L3`);
  await expect.poll(named).toEqual(['3']);
});

it('one line is highlighted without a script', async () => {
  const plain = await Window.open(browser as Browser, server?.url ?? '', { scripts: false });
  await plain.visit(`${root}/file/main/a.ts#L150`);
  expect(await plain.page.locator('tr:target .number').textContent()).toBe('150');
});
