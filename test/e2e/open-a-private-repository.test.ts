/** Private repositories in a browser: who signs in sees what its key may read, and nothing tells others that there is something. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '../../src/cli/open.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { App } from '../../src/server/app.ts';
import { Sessions } from '../../src/sessions/sessions.ts';
import { signInEvent, Visit } from '../helpers/browser-visit.ts';
import { SERVICE_SECRET } from '../helpers/build-once.ts';
import { GitClient } from '../helpers/git-client.ts';
import { announcement, gitUrl, signedIn } from '../helpers/identity.ts';
import { NostrClient, Person } from '../helpers/nostr-client.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const owner = new Person();
const reader = new Person();
const stranger = new Person();
const store = new MemoryObjectStore();
const log: string[] = [];
let server: App;
/** A second server of the service, over the same bucket. */
let other: App;
let folder: TempDir;
let secret: string;

const now = () => Math.floor(Date.now() / 1000);

beforeAll(async () => {
  folder = await tempDir('cairn-sessions');
  server = await startServer({
    store,
    flags: { access: 'signed', 'trusted-proxies': '1' },
    onLog: (line) => log.push(line),
  });
  other = await startServer({
    store,
    flags: { access: 'signed', 'public-url': server.url, 'trusted-proxies': '1' },
  });
  await announce('secret', [reader]);
  secret = `/${owner.npub}/secret`;
  const user = await new GitClient(folder.path).init('secret', '--initial-branch=main');
  await user.commit('Hush', { 'plan.txt': 'the plan\n' });
  const url = gitUrl(server.url, owner, 'secret');
  await signedIn(user, owner, url).run(['push', '--quiet', url, 'main']);
});
afterAll(async () => {
  await other.close();
  await server.close();
  await folder[Symbol.asyncDispose]();
});

let announced = 0;
async function announce(identifier: string, readers: readonly Person[]): Promise<void> {
  const tags = [['private', 'true'], ...readers.map(({ publicKey }) => ['reader', publicKey])];
  const event = announcement(server.url, owner, identifier, { tags, at: now() - 100 + announced++ });
  await using client = await NostrClient.connect(server.url);
  await client.authenticate(owner, server.url.replace('http', 'ws'));
  expect(await client.publish(event)).toMatchObject({ accepted: true });
}

/** What a visitor sees of an answer, but for what differs between any two. */
async function seen(response: Response) {
  const headers = Object.fromEntries(response.headers);
  for (const name of ['date', 'x-request-id']) delete headers[name];
  return { status: response.status, headers, body: await response.text() };
}

async function signedInAs(person: Person, to = server): Promise<Visit> {
  const visit = new Visit(to.url, server.url);
  const answer = await visit.signInWithExtension(person);
  expect(answer.status, await answer.text()).toBe(303);
  return visit;
}

/** The link that `cairn open` prints. */
async function linkOf(person: Person, repository: string): Promise<string> {
  const key = join(folder.path, `${person.npub}.key`);
  await writeFile(key, person.secretHex, { mode: 0o600 });
  const printed: string[] = [];
  await open(
    repository,
    {},
    { key },
    {
      environment: {},
      print: (text) => printed.push(text),
      warn: () => undefined,
      signal: new AbortController().signal,
    },
  );
  expect(printed).toHaveLength(1);
  return printed[0] ?? '';
}

function codeOf(link: string): string {
  return new URL(link).searchParams.get('link') ?? '';
}

/** Pages, feeds and downloads of refs. What a reader has asked for is kept by then, in memory and on disk. */
const OF_REFS = [
  '/archive/main.tar.gz',
  '/branches',
  '/contributors/main',
  '/search/main?q=plan',
  '/search/main?type=paths&q=plan',
  '/tags',
  '/tags/feed.atom',
];

describe('a visitor with a Nostr extension', () => {
  it('signs in, sees the private repository, and is sent to the wanted page', async () => {
    const visit = new Visit(server.url);
    const answer = await visit.signInWithExtension(reader, `${secret}/tree/main`);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('Location')).toBe(`${server.url}${secret}/tree/main`);
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^cairn-session=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
    const page = await visit.get(`${secret}/tree/main`);
    expect(page.status).toBe(200);
    expect(page.headers.get('Cache-Control')).toBe('private, no-store');
    expect(page.headers.get('Vary')).toContain('Cookie');
    expect([...page.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    const text = await page.text();
    expect(text).toContain('plan.txt');
    expect(text).toContain(`You are signed in as <code>${reader.npub.slice(0, 12)}`);
    for (const path of [
      '',
      '.git',
      '/raw/main/plan.txt',
      '/commits/main',
      '/file/main/plan.txt',
      ...OF_REFS,
    ]) {
      const found = await visit.get(`${secret}${path}`);
      expect(found.status, path).toBe(200);
      expect(found.headers.get('Cache-Control'), path).toBe('private, no-store');
      expect(found.headers.get('Access-Control-Allow-Origin'), path).toBeNull();
      await found.text();
    }
  });

  it('is named only on personal pages, which nobody else gets from the page cache', async () => {
    const [one, two] = [await signedInAs(owner), await signedInAs(reader)];
    const path = `${secret}/commits/main`;
    for (const [visit, person, others] of [
      [one, owner, reader],
      [two, reader, owner],
    ] as const) {
      const text = await (await visit.get(path)).text();
      expect(text).toContain(person.npub.slice(0, 12));
      // The owner's name is in every link.
      expect(text).not.toContain(`signed in as <code>${others.npub.slice(0, 12)}`);
    }
  });

  it('is signed in on every server of the service', async () => {
    const visit = await signedInAs(reader);
    const elsewhere = new Visit(other.url, server.url);
    for (const [name, value] of visit.cookies) elsewhere.cookies.set(name, value);
    const found = await elsewhere.get(`${secret}/tree/main`);
    expect(found.status).toBe(200);
    await found.text();
  });
});

describe('a link of cairn open', () => {
  it('asks first, signs in once on any server, and opens the repository', async () => {
    const link = await linkOf(reader, gitUrl(server.url, owner, 'secret'));
    const visit = new Visit(server.url);
    const page = await visit.get(link.slice(server.url.length));
    expect(page.status).toBe(200);
    expect(page.headers.get('Referrer-Policy')).toBe('same-origin');
    expect(await page.text()).toContain(reader.npub);
    // Looking at it, as programs do that preview links, does not use it up.
    expect(visit.cookies.size).toBe(0);
    const used = await visit.post('/sign-in', { link: codeOf(link) });
    expect([used.status, used.headers.get('Location')]).toEqual([303, `${server.url}${secret}`]);
    expect((await visit.get(`${secret}/tree/main`)).status).toBe(200);
    for (const app of [server, other]) {
      const again = new Visit(app.url, server.url);
      const refused = await again.post('/sign-in', { link: codeOf(link) });
      expect(refused.status).toBe(403);
      expect(await refused.text()).toContain('works once');
      expect(again.cookies.size).toBe(0);
    }
  });

  it('works once if two servers get it at the same time', async () => {
    const code = codeOf(await linkOf(reader, `${server.url}${secret}`));
    const visits = [server, other, server, other].map((app) => new Visit(app.url, server.url));
    const answers = await Promise.all(visits.map((visit) => visit.post('/sign-in', { link: code })));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 403, 403, 403]);
    expect(visits.filter(({ cookies }) => cookies.size > 0)).toHaveLength(1);
  });

  it('is the same link if the signed request for it is sent again', async () => {
    const url = `${server.url}/api/v1/sign-in-links`;
    const token = reader.sign(27_235, [
      ['u', url],
      ['method', 'POST'],
    ]);
    const Authorization = `Nostr ${Buffer.from(JSON.stringify(token)).toString('base64')}`;
    const ask = async () =>
      (await (await fetch(url, { method: 'POST', headers: { Authorization } })).json()) as { url: string };
    const [one, two] = [await ask(), await ask()];
    expect(codeOf(one.url)).toBe(codeOf(two.url));
    const visit = new Visit(server.url);
    expect((await visit.post('/sign-in', { link: codeOf(one.url) })).status).toBe(303);
    expect((await visit.post('/sign-in', { link: codeOf(two.url) })).status).toBe(403);
    expect((await fetch(url, { method: 'POST' })).status).toBe(401);
  });

  it('is not logged', async () => {
    const link = await linkOf(reader, `${server.url}${secret}`);
    await new Visit(server.url).get(link.slice(server.url.length));
    await expect.poll(() => log.some((line) => line.includes('"/sign-in"'))).toBe(true);
    expect(log.filter((line) => line.includes(codeOf(link)))).toEqual([]);
  });
});

describe('existence is not revealed', () => {
  it('to a key without rights, which gets the public answers for private and missing repositories', async () => {
    const visit = await signedInAs(stranger);
    for (const path of ['', '/tree/main', '/raw/main/plan.txt', '/commits/main', ...OF_REFS]) {
      for (const headers of [{}, { Accept: 'application/json' }] as Record<string, string>[]) {
        const anonymous = await seen(await new Visit(server.url).get(`${secret}${path}`, headers));
        expect(anonymous.status).toBe(404);
        expect(await seen(await visit.get(`${secret}${path}`, headers)), path).toEqual(anonymous);
        const missing = `/${owner.npub}/missing${path}`;
        expect(await seen(await visit.get(missing, headers)), path).toEqual(anonymous);
        expect(await seen(await new Visit(server.url).get(missing, headers)), path).toEqual(anonymous);
      }
    }
  });

  it('to a key that loses its right, from that moment', async () => {
    await announce('shared', [reader, stranger]);
    const visit = await signedInAs(stranger);
    const path = `/${owner.npub}/shared`;
    expect((await visit.get(path)).status).toBe(200);
    await announce('shared', [reader]);
    expect((await visit.get(path)).status).toBe(404);
  });

  it('to requests that pages of neighbouring domains start', async () => {
    const visit = await signedInAs(reader);
    const load = (headers: Record<string, string>) => visit.get(`${secret}/raw/main/plan.txt`, headers);
    const statuses = await Promise.all([
      load({ 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }),
      load({ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }),
      load({ 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([404, 404, 200]);
  });
});

describe('signing out', () => {
  it('ends this session on every server, even for somebody who has copied its cookie', async () => {
    const [visit, another] = [await signedInAs(reader), await signedInAs(reader)];
    const copy = new Map(visit.cookies);
    expect((await visit.post('/sign-out', {})).status).toBe(303);
    expect(visit.cookies.size).toBe(0);
    for (const app of [server, other]) {
      const thief = new Visit(app.url, server.url);
      for (const [name, value] of copy) thief.cookies.set(name, value);
      expect((await thief.get(`${secret}/tree/main`)).status).toBe(404);
    }
    expect((await another.get(`${secret}/tree/main`)).status).toBe(200);
  });

  it('everywhere ends all sessions of the key at once, and none of other keys', async () => {
    const [one, two, others] = [
      await signedInAs(reader),
      await signedInAs(reader, other),
      await signedInAs(owner),
    ];
    expect((await one.post('/sign-out', { everywhere: 'yes' })).status).toBe(303);
    expect((await two.get(`${secret}/tree/main`)).status).toBe(404);
    expect((await others.get(`${secret}/tree/main`)).status).toBe(200);
    expect((await (await signedInAs(reader)).get(`${secret}/tree/main`)).status).toBe(200);
  });

  it('needs a form of this service: no page of another site can do it, and no link', async () => {
    const visit = await signedInAs(reader);
    for (const headers of [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      {},
      { Origin: server.url, 'Sec-Fetch-Site': 'same-site' },
    ] as Record<string, string>[]) {
      expect((await visit.post('/sign-out', { everywhere: 'yes' }, headers)).status).toBe(403);
    }
    expect((await visit.get('/sign-out')).status).toBe(303);
    expect((await visit.get(`${secret}/tree/main`)).status).toBe(200);
  });
});

describe('attacks on sign-in', () => {
  it('with forms of another site are refused, so nobody is signed in as somebody else', async () => {
    const link = codeOf(await linkOf(stranger, `${server.url}${secret}`));
    const event = JSON.stringify(signInEvent(stranger, await new Visit(server.url).challenge()));
    for (const fields of [{ link }, { event }] as Record<string, string>[]) {
      for (const headers of [{ Origin: 'https://evil.example' }, { Origin: 'null' }, {}] as Record<
        string,
        string
      >[]) {
        const visit = new Visit(server.url);
        const answer = await visit.post('/sign-in', fields, headers);
        expect(answer.status).toBe(403);
        expect(answer.headers.getSetCookie()).toEqual([]);
      }
    }
    const answer = await fetch(`${server.url}/sign-in`, {
      method: 'POST',
      headers: { Origin: server.url, 'Content-Type': 'text/plain' },
      body: `link=${link}`,
    });
    expect(answer.status).toBe(400);
  });

  it('with events that are not for this form, now, once, are refused', async () => {
    const visit = new Visit(server.url);
    const form = await visit.challenge();
    const good = [
      ['u', form.url],
      ['method', 'POST'],
      ['challenge', form.challenge],
    ];
    const bad = {
      'of another service': signInEvent(reader, form, [
        ['u', 'https://other.example/sign-in'],
        ...good.slice(1),
      ]),
      'for git': reader.sign(27_235, [
        ['u', gitUrl(server.url, owner, 'secret')],
        ['method', 'GET'],
      ]),
      'without a challenge': signInEvent(reader, form, good.slice(0, 2)),
      'with two challenges': signInEvent(reader, form, [...good, ['challenge', 'x.y']]),
      'with a made-up challenge': signInEvent(reader, { ...form, challenge: `e30.${'A'.repeat(43)}` }),
      'of another kind': reader.sign(22_242, good),
      'an hour old': signInEvent(reader, { ...form, now: form.now - 3_600 }),
      'an hour ahead': signInEvent(reader, { ...form, now: form.now + 3_600 }),
      'with another key': { ...signInEvent(reader, form), pubkey: owner.publicKey },
      'with a changed signature': { ...signInEvent(reader, form), sig: '0'.repeat(128) },
    };
    for (const [what, event] of Object.entries(bad)) {
      const answer = await visit.post('/sign-in', { event: JSON.stringify(event) });
      expect(answer.status, what).toBe(403);
      expect(visit.cookies.size, what).toBe(0);
    }
    for (const event of ['', '{', '[]', 'null', '{"id":1}']) {
      expect((await visit.post('/sign-in', { event })).status, event).toBe(400);
    }
    // Where it was to lead is not forgotten.
    const failed = await visit.post('/sign-in', { event: '{}', next: secret });
    expect(await failed.text()).toContain(`name="next" value="${secret}"`);
    const event = JSON.stringify(signInEvent(reader, form));
    expect((await visit.post('/sign-in', { event })).status).toBe(303);
    // The same event again, on the other server.
    const again = new Visit(other.url, server.url);
    expect((await again.post('/sign-in', { event })).status).toBe(403);
  });

  it('with links to other sites do not redirect there', async () => {
    for (const next of [
      '//evil.example/',
      '/\\evil.example',
      'https://evil.example/',
      '/%0d%0aSet-Cookie: x=y',
      '/a\r\nSet-Cookie: x=y',
      'javascript:alert(1)',
      '/../sign-in?link=x',
      '/sign-in?link=x',
      '/sign-out',
      `/${'a'.repeat(3_000)}`,
    ]) {
      const visit = new Visit(server.url);
      const form = await visit.challenge();
      const event = JSON.stringify(signInEvent(reader, form));
      const answer = await visit.post('/sign-in', { event, next });
      const location = new URL(answer.headers.get('Location') ?? '');
      expect(location.origin, next).toBe(server.url);
      expect(location.href.includes('evil.example/') && location.pathname !== '/', next).toBe(false);
      expect(answer.headers.getSetCookie(), next).toHaveLength(1);
    }
  });

  it('with cookies that this service has not signed, or with two cookies, are refused', async () => {
    const visit = await signedInAs(reader);
    const good = visit.cookies.get('cairn-session') ?? '';
    const [body = '', mac = ''] = good.split('.');
    const said = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Record<string, unknown>;
    const forged = Buffer.from(JSON.stringify({ ...said, key: owner.publicKey })).toString('base64url');
    const context = { control: store, clock: systemClock, random: systemRandom, lifetime: 43_200 };
    const elsewhere = new Sessions({ ...context, serviceKey: SERVICE_SECRET, base: 'https://other.example' });
    const otherKey = new Sessions({ ...context, serviceKey: 'b'.repeat(64), base: server.url });
    const link = codeOf(await linkOf(reader, `${server.url}${secret}`));
    const { challenge } = await new Visit(server.url).challenge();
    for (const cookie of [
      `${forged}.${mac}`,
      `${body}.${'A'.repeat(43)}`,
      `${body}.`,
      body,
      (await elsewhere.begin(reader.publicKey)).text,
      (await otherKey.begin(reader.publicKey)).text,
      link,
      challenge,
      `${good}; cairn-session=${good}`,
      `x; cairn-session=${good}`,
    ]) {
      const answer = await new Visit(server.url).get(`${secret}/tree/main`, {
        Cookie: `cairn-session=${cookie}`,
      });
      expect(answer.status, cookie).toBe(404);
    }
    expect((await new Visit(server.url).get(secret, { Cookie: `a=b; cairn-session=${good}` })).status).toBe(
      200,
    );
  });

  it('with a cookie from before find a new session after each sign-in', async () => {
    const visit = new Visit(server.url);
    visit.cookies.set('cairn-session', 'chosen-by-somebody-else');
    expect((await visit.signInWithExtension(reader)).status).toBe(303);
    const first = visit.cookies.get('cairn-session');
    expect(first).not.toBe('chosen-by-somebody-else');
    await visit.post('/sign-out', {});
    await visit.signInWithExtension(reader);
    expect(visit.cookies.get('cairn-session')).not.toBe(first);
  });

  it('with scripts fail: the page works without script, has no inline script, and loads nothing from elsewhere', async () => {
    const page = await new Visit(server.url).get(`/sign-in?next=${encodeURIComponent(secret)}`);
    const text = await page.text();
    expect(text).toContain(`cairn open ${server.url}${secret}`);
    expect(page.headers.get('Content-Security-Policy')).toContain("script-src 'self'");
    expect(page.headers.get('Content-Security-Policy')).toContain("frame-ancestors 'none'");
    expect(page.headers.get('Cache-Control')).toBe('private, no-store');
    expect(page.headers.get('Access-Control-Allow-Origin')).toBeNull();
    expect(text).not.toMatch(/<script(?![^>]*\ssrc="\/assets\/)/);
    expect(text).not.toMatch(/ on[a-z]+=| style=/);
    const hostile = await (
      await new Visit(server.url).get(`/sign-in?next=${encodeURIComponent('/"><script>')}`)
    ).text();
    expect(hostile).not.toContain('"><script>');
  });
});

it('sign-ins are limited per address', async () => {
  await using alone = await startServer({ flags: { access: 'signed' } });
  const visit = new Visit(alone.url);
  let tries = 0;
  // More come back while it is tried, far fewer than are taken.
  for (let status = 403; status === 403 && tries < 1_000; tries++) {
    status = (await visit.post('/sign-in', { link: 'x' })).status;
    if (status !== 403) expect(status).toBe(503);
  }
  expect(tries).toBeGreaterThan(60);
  expect(tries).toBeLessThan(1_000);
});

it('an operator can turn sign-in off', async () => {
  await using alone = await startServer({ flags: { access: 'signed', 'session-lifetime': '0' } });
  const visit = new Visit(alone.url);
  expect((await visit.get('/sign-in')).status).toBe(404);
  expect((await visit.post('/sign-in', { link: 'x' })).status).toBe(404);
  const link = await fetch(`${alone.url}/api/v1/sign-in-links`, { method: 'POST' });
  expect([link.status, await link.text()]).toEqual([404, expect.stringContaining('turned off')]);
});
