/** Chromium signs in to a private repository, with an extension and without scripts, and walks through a Fossil project. */
import { readFile } from 'node:fs/promises';
import type { AxeResults } from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { CreateFossil, newFossilState } from '../../src/repository/fossil/create-fossil.ts';
import { prepareArtifacts } from '../../src/repository/fossil/intake.ts';
import { publishArtifacts } from '../../src/repository/fossil/publish-artifacts.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { AXE, launchChromium, noChromium, Window } from '../helpers/chromium.ts';
import { checkInWith, PUSHED, whole } from '../helpers/fossil-rig.ts';
import { announcement } from '../helpers/identity.ts';
import { NostrClient, Person } from '../helpers/nostr-client.ts';
import { startServer } from '../helpers/server.ts';

const owner = new Person();
const secret = `/${owner.npub}/secret`;
let server: App;
let browser: Browser;
let axe: string;

beforeAll(async () => {
  if (noChromium !== undefined) return;
  server = await startServer({ flags: { access: 'signed' } });
  browser = await launchChromium();
  axe = await readFile(AXE, 'utf8');
  await using client = await NostrClient.connect(server.url);
  await client.authenticate(owner, server.url.replace('http', 'ws'));
  const event = announcement(server.url, owner, 'secret', { tags: [['private', 'true']] });
  expect(await client.publish(event)).toMatchObject({ accepted: true });
});
beforeEach(({ skip }) => skip(noChromium !== undefined, noChromium));
afterAll(async () => {
  if (noChromium !== undefined) return;
  await browser.close();
  await server.close();
});

/** What axe-core finds on the page that is serious or critical. */
async function inaccessible({ page }: Window): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>(() =>
    (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run({ resultTypes: ['violations'] }),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 150)}`);
}

/** Gives the pages of a window what an extension gives them (NIP-07). */
async function installExtension({ page }: Window, person: Person): Promise<void> {
  await page.exposeFunction(
    'signForTest',
    ({
      kind,
      tags,
      content,
      created_at,
    }: Pick<NostrEvent, 'kind' | 'content' | 'created_at'> & { tags: string[][] }) =>
      person.sign(kind, tags, content, created_at),
  );
  await page.addInitScript(() => {
    const scope = globalThis as unknown as Record<string, unknown>;
    scope['nostr'] = { signEvent: scope['signForTest'] };
  });
}

describe('signing in', () => {
  it('with an extension returns to the private repository that was not found', async () => {
    await using window = await Window.open(browser, server.url);
    await installExtension(window, owner);
    const { page } = window;
    expect(await window.visit(secret)).toBe(404);
    await page.locator('main').getByRole('link', { name: 'sign in' }).click();
    await page.getByRole('button', { name: 'Sign in with your extension' }).click();
    await page.waitForURL(`${server.url}${secret}`);
    expect(await page.textContent('main')).toContain(`You are signed in as ${owner.npub.slice(0, 12)}`);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: 'cairn-session', httpOnly: true, sameSite: 'Lax' });
    expect(await page.evaluate(() => document.cookie)).toBe('');
    await page.getByRole('link', { name: 'Sign out' }).click();
    expect(await inaccessible(window)).toEqual([]);
    await page.getByRole('button', { name: 'Sign out in all browsers' }).click();
    await page.waitForSelector('form.sign-in');
    expect(await inaccessible(window)).toEqual([]);
    // The page that is not found is an error to the console.
    expect(window.faults().filter((fault) => !fault.includes('404'))).toEqual([]);
    expect(await window.visit(secret)).toBe(404);
  });

  it('without scripts works with a link, after a question', async () => {
    await using window = await Window.open(browser, server.url, { scripts: false, width: 360 });
    const url = `${server.url}/api/v1/sign-in-links`;
    const body = JSON.stringify({ next: secret });
    const payload = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(body))).toString('hex');
    const token = owner.sign(27_235, [
      ['u', url],
      ['method', 'POST'],
      ['payload', payload],
    ]);
    const headers = { Authorization: `Nostr ${Buffer.from(JSON.stringify(token)).toString('base64')}` };
    const link = ((await (await fetch(url, { method: 'POST', headers, body })).json()) as { url: string })
      .url;
    const { page } = window;
    expect(await window.visit('/sign-in')).toBe(200);
    expect(await page.textContent('main')).toContain('cairn open');
    expect(await window.visit(link.slice(server.url.length))).toBe(200);
    expect(await page.textContent('main')).toContain(owner.npub);
    await page.getByRole('button', { name: /^Sign in as/ }).click();
    await page.waitForURL(`${server.url}${secret}`);
    expect(await page.textContent('main')).toContain('You are signed in as');
    expect(window.faults()).toEqual([]);
  });
});

it('the pages of a Fossil project work in light and dark, on a phone, and without scripts', async () => {
  const id = repositoryId(owner.publicKey, 'fossils');
  const repository = server.fossil.get(id);
  const state = newFossilState(id, '1'.repeat(32), { projectName: 'Fossils' });
  await repository.publisher.join(new CreateFossil(state, repository.mark()));
  const source = whole('int main(void) { return 0; }\n'.repeat(20));
  const first = checkInWith({ comment: 'begin', files: { 'src/main.c': source } });
  const second = checkInWith({
    comment: '<script>alert(1)</script>',
    files: { 'a.txt': source },
    parent: first,
  });
  const published = await repository.resolve();
  if (published === undefined) throw new Error('there is no repository');
  const prepared = await prepareArtifacts(await repository.bagOf(published), [source, first, second]);
  await publishArtifacts(repository, prepared, PUSHED);
  const root = `/fossil/${owner.npub}/fossils`;
  await using window = await Window.open(browser, server.url);
  await using plain = await Window.open(browser, server.url, { scripts: false, scheme: 'dark', width: 360 });
  for (const path of [
    '',
    '/timeline',
    `/checkin/${second.name}`,
    '/tree/tip',
    `/file/${first.name}/src/main.c`,
  ]) {
    await window.look({ scheme: 'light', width: 1280 });
    expect(await window.visit(`${root}${path}`), path).toBe(200);
    expect(await inaccessible(window), path).toEqual([]);
    await window.look({ scheme: 'dark', width: 360 });
    expect(await inaccessible(window), path).toEqual([]);
    expect(window.faults(), path).toEqual([]);
    expect(await plain.visit(`${root}${path}`), path).toBe(200);
    expect(await plain.page.evaluate(() => document.scrollingElement?.scrollWidth), path).toBeLessThanOrEqual(
      360,
    );
    expect(plain.faults(), path).toEqual([]);
  }
});
