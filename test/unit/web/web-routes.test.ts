import { Hono } from 'hono';
import { beforeEach, describe, expect, it } from 'vitest';
import { FossilViews } from '../../../src/browse/fossil/fossil-views.ts';
import type { RepositoryViews } from '../../../src/browse/repository-views.ts';
import type { NostrEvent, VerifiedEvent } from '../../../src/nostr/event.ts';
import { kinds } from '../../../src/nostr/kinds.ts';
import { formatNpub } from '../../../src/nostr/public-key.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import type { GitManifest } from '../../../src/repository/git/git-manifest.ts';
import { pointerKey } from '../../../src/repository/keys.ts';
import { type RepositoryId, repositoryId } from '../../../src/repository/repository-id.ts';
import { frontSchema } from '../../../src/web/front/front-json.ts';
import { type WebRoutesContext, webPages } from '../../../src/web/web-routes.ts';
import { EventsInMemory } from '../../helpers/events-in-memory.ts';
import { manifestOf, oid, RepositoryRig } from '../../helpers/repository-rig.ts';
import { alice, bob } from '../nostr/authors.ts';

const BASE = 'https://git.example.org';
const NPUB = formatNpub(alice.publicKey);
const TOOL = repositoryId(alice.publicKey, 'tool');
const PAGE = `/${NPUB}/tool.git`;
const HTML = 'text/html; charset=UTF-8';

let rig: RepositoryRig;
let events: EventsInMemory;
let unseen: Set<string>;
let logged: string[];

beforeEach(() => {
  rig = new RepositoryRig();
  events = new EventsInMemory();
  unseen = new Set();
  logged = [];
});

describe('the page of a repository', () => {
  it.each([
    ['as GRASP has it', PAGE],
    ['without .git', `/${NPUB}/tool`],
    ['below /git', `/git/${NPUB}/tool.git`],
    ['below /git in hex', `/git/${alice.publicKey}/tool`],
    ['with a slash behind', `/${NPUB}/tool/`],
  ])('has the URL %s', async (_, path) => {
    await host(TOOL);
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(HTML);
    expect(await response.text()).toContain('<h1><bdi>The Tool</bdi></h1>');
  });

  it('needs no request to the store within a second of the last read, and then one', async () => {
    await host(TOOL);
    await get(PAGE);
    const before = rig.store.log.length;
    const asked = () => rig.store.log.slice(before).map(({ outcome }) => outcome);
    await get(PAGE);
    expect(asked()).toEqual([]);
    await rig.clock.advance(1_001);
    await get(PAGE);
    expect(asked()).toEqual(['not-modified']);
  });

  it('hides the text of the announcement while the repository waits for first data', async () => {
    await publish(TOOL, { lifecycle: 'held', refs: new Map() });
    await announce(TOOL, { hidden: true });
    const text = await (await get(PAGE)).text();
    expect(text).toContain('Nothing has been pushed');
    expect(text).not.toContain('The Tool');
  });

  it('is shown without an announcement', async () => {
    await rig.publish(manifestOf({ identifier: 'tool' }), undefined, TOOL);
    expect((await get(PAGE, { access: 'open' })).status).toBe(200);
  });

  it('does not show an announcement that is not public', async () => {
    await host(TOOL);
    unseen.add((await announce(TOOL, { name: 'Secret plan', at: 1_800_000_000 })).id);
    const text = await (await get(PAGE)).text();
    expect(text).toContain('<h1><bdi>tool</bdi></h1>');
    expect(text).not.toContain('Secret plan');
  });

  it('is sent without a body for HEAD', async () => {
    await host(TOOL);
    const response = await get(PAGE, {}, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });
});

describe('missing pages and refused requests', () => {
  it('private and missing repositories get the same answer, byte for byte and header for header', async () => {
    const asked: [string, string][] = [
      ['unknown', `/${NPUB}/unknown.git`],
      ['private', `/${NPUB}/private.git`],
      ['private, by its other URL', `/git/${alice.publicKey}/private`],
      ['withdrawn', `/${NPUB}/withdrawn`],
      ['no name of a repository', `/${NPUB}/..%2f..%2fetc`],
      ['no key', '/npub1nobody/tool.git'],
      ['no page at all', '/favicon.ico'],
      ['a file of git', `/${NPUB}/private.git/config`],
    ];
    await publish(repositoryId(alice.publicKey, 'private'), {
      policy: { ...POLICY, private: true, readers: [bob.publicKey] },
    });
    await publish(repositoryId(alice.publicKey, 'withdrawn'), { lifecycle: 'withdrawn', refs: new Map() });
    const answers = await Promise.all(
      asked.map(async ([what, path]) => {
        const response = await get(path);
        return { what, status: response.status, headers: [...response.headers], text: await response.text() };
      }),
    );
    const [unknown, ...others] = answers;
    expect(unknown?.status).toBe(404);
    expect(unknown?.text).toContain('<h1>Not found</h1>');
    for (const other of others) expect(other).toEqual({ ...unknown, what: other.what });
  });

  it('private and unknown repositories cost the same number of requests', async () => {
    await publish(TOOL, { policy: { ...POLICY, private: true } });
    await get(PAGE);
    const before = rig.store.log.length;
    await get(PAGE);
    const between = rig.store.log.length;
    await get(`/${NPUB}/unknown.git`);
    expect(between - before).toBe(rig.store.log.length - between);
  });

  it('other methods get status 405', async () => {
    await host(TOOL);
    const posted = await get(PAGE, {}, { method: 'POST', body: 'x' });
    expect(posted.status).toBe(405);
    expect(posted.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    for (const below of ['tree/main', 'commit/none', 'raw/main/a.txt']) {
      expect((await get(`/${NPUB}/tool/${below}`, {}, { method: 'PUT', body: 'x' })).status, below).toBe(405);
    }
  });

  it('a URL that can be no page gets status 404 for every method (issue 11, point 18)', async () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect((await get('/nothing-here', {}, { method })).status).toBe(404);
    }
  });
});

describe('a failing page', () => {
  it('reports that the store does not answer, with a Retry-After', async () => {
    await host(TOOL);
    rig.store.rules.push(({ key }) => (key === pointerKey(TOOL) ? { does: 'unavailable' } : undefined));
    const response = await get(PAGE);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.text()).toContain('Try again');
    expect(logged.join()).toContain('page failed');
  });

  it('reports damage in the log only', async () => {
    const { digest } = await host(TOOL);
    rig.store.rules.push(({ key }) => (key.includes(digest) ? { does: 'missing' } : undefined));
    rig = rig.cold();
    const response = await get(PAGE);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('<h1>Something is wrong</h1>');
    expect(text).not.toContain(digest);
    expect(logged.join()).toContain(digest);
  });
});

describe('the home page', () => {
  it('lists the announced repositories, newest first', async () => {
    await announce(repositoryId(alice.publicKey, 'first'), { name: 'First', at: 1_700_000_001 });
    await announce(repositoryId(alice.publicKey, 'second'), { name: 'Second <b>', at: 1_700_000_002 });
    const response = await get('/');
    const text = await response.text();
    expect(response.headers.get('content-type')).toBe(HTML);
    expect(text.indexOf('Second &lt;b&gt;')).toBeGreaterThan(0);
    expect(text.indexOf('Second')).toBeLessThan(text.indexOf('First'));
    expect(text).toContain(`<a href="/${NPUB}/first">`);
  });

  it('does not list private and missing repositories', async () => {
    unseen.add((await announce(repositoryId(alice.publicKey, 'unseen'), {})).id);
    await announce(repositoryId(alice.publicKey, 'held'), { hidden: true });
    await announce(repositoryId(alice.publicKey, 'private'), { tags: [['private', 'true']] });
    await announce(repositoryId(bob.publicKey, 'elsewhere'), { base: 'https://elsewhere.example' });
    expect(await (await get('/')).text()).toContain('No public repository');
  });

  it('shows 50 at a time, with a link to the next ones', async () => {
    for (let n = 0; n < 102; n += 1) {
      await announce(repositoryId(alice.publicKey, `r${n}`), { name: `R ${n}`, at: 1_700_000_000 + n });
    }
    const app = routes();
    const seen: string[] = [];
    let url: string | undefined = '/';
    for (let pages = 0; url !== undefined && pages < 9; pages++) {
      const text: string = await (await app.request(url)).text();
      seen.push(...Array.from(text.matchAll(/<bdi>R (\d+)<\/bdi>/g), ([, number = '']) => number));
      url = /rel="next" href="([^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen).toEqual(Array.from({ length: 102 }, (_, at) => String(101 - at)));
  });

  it('searches names, descriptions, topics and owners, and keeps the typed text', async () => {
    await announce(TOOL, {
      tags: [
        ['description', 'Cuts <stone>'],
        ['t', 'Masonry'],
      ],
    });
    await announce(repositoryId(bob.publicKey, 'other'), { name: 'Other' });
    const names = async (query: string) =>
      Array.from(
        (await (await get(`/?q=${encodeURIComponent(query)}`)).text()).matchAll(/<h3>.*<bdi>(.*)<\/bdi>/g),
        ([, name]) => name,
      );
    for (const query of ['tool', 'STON', '#masonry', 'topic:Masonry', NPUB, alice.publicKey, `cuts ${NPUB}`])
      expect(await names(query), query).toEqual(['The Tool']);
    for (const query of ['tone', 'tool other', '#mason']) expect(await names(query), query).toEqual([]);
    const odd = await (
      await get(`/?q=${encodeURIComponent('"><script>x')}&sort=pushed&after=nonsense`)
    ).text();
    expect(odd).toContain('value="&quot;&gt;&lt;script&gt;x"');
    expect(odd).toContain('Nothing found');
  });

  it('is JSON for programs', async () => {
    await announce(TOOL, { at: 1_700_000_001, tags: [['t', 'Masonry']] });
    const response = await get('/?q=tool', {}, { headers: { accept: 'application/json' } });
    expect(response.headers.get('content-type')).toContain('application/json');
    const body = frontSchema.parse(await response.json());
    expect(body).toEqual({
      repositories: [
        {
          owner: alice.publicKey,
          npub: NPUB,
          identifier: 'tool',
          name: 'The Tool',
          description: null,
          topics: ['masonry'],
          kind: 'git',
          clone: `${BASE}/git/${NPUB}/tool.git`,
          announcedAt: 1_700_000_001,
          pushedAt: null,
        },
      ],
      next: null,
    });
    const etag = response.headers.get('etag') ?? '';
    const again = await get(
      '/?q=tool',
      {},
      { headers: { accept: 'application/json', 'if-none-match': etag } },
    );
    expect(again.status).toBe(304);
  });

  it('shows first steps, as far as the visitor can take them', async () => {
    expect(await (await get('/')).text()).toContain(`cairn announce my-project --server ${BASE}`);
    expect(await (await get('/', { access: 'open' })).text()).toContain('anyone who reaches it may push');
    expect(await (await get('/', { access: 'read-only' })).text()).not.toContain('cairn announce');
  });

  it('is the relay information for clients that ask for that', async () => {
    const response = await get('/', {}, { headers: { accept: 'application/nostr+json' } });
    expect(response.headers.get('content-type')).toBe('application/nostr+json');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toEqual(INFORMATION);
  });

  it('and the relay information have separate cache entries', async () => {
    for (const accept of ['text/html', 'application/nostr+json']) {
      expect((await get('/', {}, { headers: { accept } })).headers.get('vary')).toMatch(/^Accept\b/);
    }
  });
});

describe('every response', () => {
  it.each(['/', PAGE, '/nothing'])('has a restrictive content security policy: %s', async (path) => {
    await host(TOOL);
    const { headers } = await get(path);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-cache');
  });
});

describe('pages mounted behind other routes', () => {
  it('answer the remaining URLs, errors included', async () => {
    await host(TOOL);
    const app = new Hono().get('/healthz', (c) => c.text('ok')).route('/', routes());
    expect(await (await app.request('/healthz')).text()).toBe('ok');
    expect((await app.request(PAGE)).status).toBe(200);
    expect(await (await app.request('/nothing')).text()).toContain('<h1>Not found</h1>');
    rig.store.rules.push(() => ({ does: 'unavailable' }));
    // Of this one there was a look a moment ago, of the other one there was none.
    expect((await app.request(PAGE)).status).toBe(200);
    expect((await app.request(PAGE.replace('tool', 'other'))).status).toBe(503);
  });
});

const POLICY = {
  announcements: ['e'.repeat(64)],
  writers: [alice.publicKey],
  protection: [],
  private: false,
  readers: [],
};

const INFORMATION = {
  name: 'git.example.org',
  description: 'Repositories.',
  self: 'f'.repeat(64),
  repo_acceptance_criteria: 'Any key may have repositories here.',
  supported_nips: [1, 11],
};

/** Shows the published state alone. */
const VIEWS = {
  read: async (
    _: unknown,
    { manifest }: { manifest: GitManifest },
    __: unknown,
    work: (view: unknown) => unknown,
  ) => work({ manifest }),
} as unknown as RepositoryViews;

function routes(parts: Partial<WebRoutesContext> = {}): Hono {
  return webPages({
    repositories: rig.repositories,
    views: VIEWS,
    fossilViews: new FossilViews({ slots: 1, queue: 1, timeLimit: 1_000 }),
    fossil: {
      get: () => ({
        peek: async () => undefined,
        resolve: async () => undefined,
        bagOf: () => Promise.reject(new Error('no bag')),
      }),
    },
    events,
    visible: (event) => !unseen.has(event.id),
    base: BASE,
    access: 'signed',
    information: INFORMATION,
    clock: rig.clock,
    log: createLogger('debug', { write: (line) => void logged.push(line) }),
    ...parts,
  }).routes;
}

async function get(
  path: string,
  parts: Partial<WebRoutesContext> = {},
  request: RequestInit = {},
): Promise<Response> {
  return routes(parts).request(path, request);
}

/** A public repository with a branch and an announcement, all in place. */
async function host(id: RepositoryId): Promise<{ readonly digest: string }> {
  await announce(id, {});
  return publish(id, {});
}

async function publish(id: RepositoryId, parts: Partial<GitManifest>) {
  const { identifier } = id;
  // The default branch does not exist, so nothing is read with git.
  const refs = new Map([['refs/heads/other', oid('1')]]);
  return rig.publish(manifestOf({ identifier, refs, policy: POLICY, ...parts }), undefined, id);
}

interface Announced {
  readonly name?: string;
  readonly at?: number;
  readonly hidden?: boolean;
  readonly base?: string;
  readonly tags?: readonly string[][];
}

async function announce(id: RepositoryId, options: Announced): Promise<NostrEvent> {
  const { name = 'The Tool', at, hidden = false, base = BASE, tags = [] } = options;
  const event = (id.owner === alice.publicKey ? alice : bob).sign({
    kind: kinds.repository,
    ...(at === undefined ? {} : { at }),
    tags: [
      ['d', id.identifier],
      ['name', name],
      ['clone', `${base}/git/${formatNpub(id.owner)}/${id.identifier}.git`],
      ['relays', base.replace('http', 'ws')],
      ...tags,
    ],
  });
  const [stored] = await events.append([event as VerifiedEvent], { hidden });
  if (stored !== 'stored') throw new Error(`the announcement is ${stored}`);
  return event;
}
