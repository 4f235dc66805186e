/** Who gets to read and to push over HTTP, by token and by a signed state, with real git and with requests made by hand. */
import { Agent } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { delimiterPacket, encodePacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { HeldState } from '../../src/policy/state-match.ts';
import type { Policy } from '../../src/repository/manifest.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type GitServer, startGitServer } from '../helpers/git-server.ts';
import { gitUrl, graspUrl, signedIn, tokenFor } from '../helpers/identity.ts';
import { Person } from '../helpers/nostr-client.ts';
import {
  bandsOf,
  fetchFrom,
  pushHead,
  type RawAnswer,
  RECEIVE_PACK,
  reportOf,
  send,
  UPLOAD_PACK,
} from '../helpers/raw-git.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const V2 = { 'Git-Protocol': 'version=2' };
const LS_REFS = Buffer.concat([encodePacket('command=ls-refs\n'), delimiterPacket, flushPacket]);
const [owner, maintainer, reader, stranger] = [new Person(), new Person(), new Person(), new Person()];

let store: FaultyStore;
let server: GitServer;
let folder: TempDir;
let places = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-git-access');
  store = new FaultyStore(new MemoryObjectStore(), { latency: 2 });
  server = await startGitServer(store);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.heldStates.states.length = 0;
  server.heldStates.carried.length = 0;
});

function policy(parts: Partial<Policy> = {}): Policy {
  return {
    announcements: [],
    writers: [owner.publicKey, maintainer.publicKey],
    protection: [],
    private: false,
    readers: [reader.publicKey],
    ...parts,
  };
}

interface Place {
  readonly id: RepositoryId;
  readonly git: string;
  readonly grasp: string;
  readonly user: GitClient;
  readonly first: string;
  readonly second: string;
}

/** An announced repository, empty, and somebody with two commits. */
async function announced(parts: Partial<Policy> = {}, lifecycle: 'live' | 'held' = 'live'): Promise<Place> {
  const identifier = `place ${++places}`;
  const id = repositoryId(owner.publicKey, identifier);
  await server.announce(id, { policy: policy(parts), lifecycle });
  const user = await new GitClient(folder.path).init(`user-${places}`);
  const first = await user.commit('One', { a: '1\n' });
  const second = await user.commit('Two', { a: '2\n' });
  const [git, grasp] = [gitUrl(server.url, owner, identifier), graspUrl(server.url, owner, identifier)];
  return { id, git, grasp, user, first, second };
}

/** The same, with main at the first commit. */
async function published(parts: Partial<Policy> = {}): Promise<Place> {
  const place = await announced(parts);
  const { user, git, first } = place;
  await signedIn(user, owner, git).run(['push', '--quiet', git, `${first}:refs/heads/main`]);
  return place;
}

function heldState(refs: Record<string, string>, parts: Partial<HeldState> = {}): HeldState {
  return {
    id: '9'.repeat(64),
    author: maintainer.publicKey,
    at: Math.floor(Date.now() / 1000) - 100,
    refs: new Map(Object.entries(refs)),
    ...parts,
  };
}

/** An answer without what differs between any two, and without the names that were asked for. */
function comparable({ status, headers, text }: RawAnswer, ...names: string[]) {
  const { date, ...rest } = headers;
  expect(date).toBeDefined();
  const nameless = names.reduce((all, name) => all.replaceAll(name, 'NAME'), text);
  return { status, headers: rest, text: nameless.replace(/\d+ s old/, 'so old') };
}

describe('a private, a withdrawn and a missing repository', () => {
  // Names of one length, since the length of what is said is compared as well.
  const [hidden, gone, absent] = ['hidden-00', 'gone-0000', 'absent-00'];
  beforeAll(async () => {
    const secret = policy({ private: true });
    await server.announce(repositoryId(owner.publicKey, hidden), { policy: secret });
    const withdrawn = { policy: policy(), lifecycle: 'withdrawn' } as const;
    await server.announce(repositoryId(owner.publicKey, gone), withdrawn);
  });

  const requests = [
    ['the refs to read', 'info/refs?service=git-upload-pack', undefined],
    ['the refs to push', 'info/refs?service=git-receive-pack', undefined],
    ['a fetch', 'git-upload-pack', { ...UPLOAD_PACK, ...V2 }],
    ['a push', 'git-receive-pack', RECEIVE_PACK],
  ] as const;
  const senders = [
    ['nobody', () => undefined, 401],
    ['a stranger', (url: string) => tokenFor(stranger, url), 404],
    ['a token that is old', (url: string) => tokenFor(owner, url, { at: 1_700_000_000 }), 401],
    ['a token that is none', () => 'Nostr bm9uc2Vuc2U=', 401],
  ] as const;
  const cases = requests.flatMap(([what, path, posted]) =>
    senders.flatMap(([who, authorize, status]) =>
      ([gitUrl, graspUrl] as const).map((urlOf) => ({ what, path, posted, who, authorize, status, urlOf })),
    ),
  );

  it.each(cases)('answer $who, asking for $what, with the same $status ($urlOf.name)', async (request) => {
    const { path, posted, authorize, status, urlOf } = request;
    const ask = async (identifier: string) => {
      const url = urlOf(server.url, owner, identifier);
      const authorization = authorize(url);
      const headers = { ...V2, ...posted, ...(authorization && { Authorization: authorization }) };
      const body =
        path === 'git-upload-pack' ? LS_REFS : pushHead([{ name: 'refs/heads/x', to: 'a'.repeat(40) }]);
      const answer = await send(`${url}/${path}`, posted === undefined ? { headers } : { headers, body });
      return comparable(answer, identifier);
    };
    const [one, two, three] = [await ask(hidden), await ask(gone), await ask(absent)];
    expect(one).toEqual(three);
    expect(two).toEqual(three);
    expect(one.status).toBe(status);
    if (status === 401) {
      expect(one.headers['www-authenticate']).toBe(
        `Nostr realm="${server.url}", Basic realm="${server.url}"`,
      );
    }
  });

  it.each([
    ['the owner', owner, 200, 200],
    ['a maintainer', maintainer, 200, 200],
    ['a reader', reader, 200, 403],
  ])('show %s what these rights allow', async (_who, person, reading, pushing) => {
    for (const urlOf of [gitUrl, graspUrl]) {
      const url = urlOf(server.url, owner, hidden);
      const headers = { Authorization: tokenFor(person, url) };
      const refs = await send(`${url}/info/refs?service=git-upload-pack`, { headers });
      expect(refs.status).toBe(reading);
      const listed = await fetchFrom(url, LS_REFS, { ...V2, ...headers });
      expect(listed.status).toBe(reading);
      const push = await send(`${url}/info/refs?service=git-receive-pack`, { headers });
      // With a signed state anyone may push who sees it.
      expect(push.status).toBe(urlOf === graspUrl ? 200 : pushing);
    }
  });

  it('accept git’s probe anyway', async () => {
    for (const identifier of [hidden, gone, absent]) {
      for (const urlOf of [gitUrl, graspUrl]) {
        const url = urlOf(server.url, owner, identifier);
        const answer = await send(`${url}/git-receive-pack`, { headers: RECEIVE_PACK, body: '0000' });
        expect(answer).toMatchObject({ status: 200, text: '' });
      }
    }
  });
});

describe('a public repository', () => {
  it('can be read by anyone with any credentials, by both URLs and with the same refs', async () => {
    const { git, grasp, user, first } = await published();
    for (const url of [git, grasp]) {
      const stale = user.with(`http.extraHeader=Authorization: ${tokenFor(owner, url, { at: 1 })}`);
      for (const client of [user, stale, signedIn(user, stranger, url)]) {
        expect(await client.run(['ls-remote', url])).toBe(`${first}\tHEAD\n${first}\trefs/heads/main`);
      }
    }
  });

  it('requires credentials for a push in one URL space and not in the other', async () => {
    const { git, grasp } = await published();
    store.reset();
    const asked = await send(`${git}/info/refs?service=git-receive-pack`);
    expect(asked.status).toBe(401);
    expect(store.count(), 'the answer is the same for all, so nobody looks').toBe(0);
    expect((await send(`${grasp}/info/refs?service=git-receive-pack`)).status).toBe(200);
  });

  it('shows git users why they may not push', async () => {
    const { git, user } = await published();
    const pushed = await signedIn(user, stranger, git).try(['push', git, 'main']);
    expect(pushed.exitCode).toBe(128);
    expect(pushed.stderr).toContain('remote: your key is neither the owner of this repository nor');
    // What git sends without having been given it as a credential it does not know to be at fault: it would ask for one.
    const password = encodeURIComponent(tokenFor(owner, git, { at: 1_700_000_000 }).slice('Nostr '.length));
    const old = await user.try(['push', git.replace('://', `://anybody:${password}@`), 'main']);
    expect(old.stderr).toMatch(/remote: the token is \d+ s old/);
  });
});

describe('a push with a token', () => {
  it('costs as much as any push, and records its evidence', async () => {
    const { id, git, user, second } = await published();
    store.reset();
    // So long that what travels together overlaps on a busy machine, too.
    const { latency } = store;
    store.latency = 40;
    const client = signedIn(user, maintainer, git);
    await client.run(['push', '--quiet', git, 'main']);
    store.latency = latency;
    expect(store.log.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual([
      'get not-modified',
      ...Array(4).fill('put written'),
    ]);
    expect(store.rounds()).toBe(3);
    const { manifest } = await server.state(id);
    expect(manifest.refs.get('refs/heads/main')).toBe(second);
    expect(manifest.causes).toEqual([
      {
        kind: 'push',
        actor: maintainer.publicKey,
        evidence: expect.stringMatching(/^[0-9a-f]{64}$/),
        refs: ['refs/heads/main'],
      },
    ]);
  });

  it('is refused on protected branches, and then writes nothing', async () => {
    const rules = ['no-force-push', 'no-delete'];
    const { git, user, second } = await announced({ protection: [{ pattern: 'refs/heads/main', rules }] });
    const client = signedIn(user, owner, git);
    await client.run(['push', '--quiet', git, 'main']);
    await user.run(['checkout', '--quiet', '-b', 'other', 'HEAD~1']);
    const other = await user.commit('Other', { a: '3\n' });
    store.reset();
    const forced = await client.try(['push', '--force', git, 'other:main']);
    expect(forced.stderr).toContain('protected: it may only be fast-forwarded');
    expect((await client.try(['push', git, ':main'])).stderr).toContain('protected: it may not be deleted');
    expect(store.writes()).toBe(0);
    await user.run(['merge', '--quiet', '-m', 'Merge', '-s', 'ours', second]);
    await client.run(['push', '--quiet', git, 'other:main']);
    expect(await user.run(['merge-base', '--is-ancestor', other, 'HEAD'])).toBe('');
  });

  it('to a published tip is decided by its history as well', async () => {
    const { git, user, first } = await announced({
      protection: [{ pattern: 'refs/heads/*', rules: ['no-force-push'] }],
    });
    const client = signedIn(user, owner, git);
    await client.run(['push', '--quiet', git, 'main', `${first}:refs/heads/old`]);
    const back = await client.try(['push', '--force', git, `${first}:refs/heads/main`]);
    expect(back.stderr).toContain('protected: it may only be fast-forwarded');
    await client.run(['push', '--quiet', git, 'main:old']);
  });

  it('publishes the first data of a waiting repository', async () => {
    const { id, git, user } = await announced({}, 'held');
    expect(await user.run(['ls-remote', git])).toBe('');
    await signedIn(user, owner, git).run(['push', '--quiet', git, 'main']);
    expect((await server.state(id)).manifest.lifecycle).toBe('live');
  });

  it('creates no repository', async () => {
    const { user } = await announced();
    const url = gitUrl(server.url, owner, 'never announced');
    store.reset();
    const pushed = await signedIn(user, owner, url).try(['push', url, 'main']);
    expect(pushed.stderr).toContain('you have announced no repository of this name here');
    const foreign = await signedIn(user, stranger, url).try(['push', url, 'main']);
    expect(foreign.stderr).toContain('there is no such repository, or none that your key may see');
    expect(store.writes()).toBe(0);
  });

  it.each<[string, Partial<Policy>, string]>([
    ['takes the right to write', { writers: [owner.publicKey] }, 'neither the owner of this repository'],
    [
      'protects the branch',
      { protection: [{ pattern: 'refs/heads/**', rules: ['push:owner'] }] },
      'only the owner may push here',
    ],
  ])(
    'never succeeds under rules that were not checked: another server %s meanwhile',
    async (_what, parts, reason) => {
      const { id, git, first } = await published();
      await using other = await startGitServer(store);
      const headers = { Authorization: tokenFor(maintainer, git) };
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const shown = await send(`${git}/info/refs?service=git-receive-pack`, { headers, agent });
      expect(shown.text).toContain('refs/heads/main');
      await other.announce(id, { policy: policy(parts) });
      const body = pushHead([{ name: 'refs/heads/main', from: first }]);
      const answer = await send(`${git}/git-receive-pack`, {
        headers: { ...RECEIVE_PACK, ...headers },
        body,
        agent,
      });
      agent.destroy();
      expect(reportOf(answer)).toEqual(['unpack ok', expect.stringContaining(`ng refs/heads/main`)]);
      expect(reportOf(answer)[1]).toContain(reason);
      expect((await server.state(id)).manifest.refs.get('refs/heads/main')).toBe(first);
    },
  );
});

describe('a push with a signed state', () => {
  it('costs one more request, and records the signed state, HEAD and a receipt dated before it', async () => {
    const { id, grasp, user, second } = await announced({}, 'held');
    const wanted = heldState(
      { 'refs/heads/main': second, 'refs/heads/dev': second },
      { head: 'refs/heads/dev' },
    );
    server.heldStates.states.push(wanted);
    store.reset();
    await user.run(['push', '--quiet', grasp, 'main', 'main:dev']);
    expect(store.log.filter(({ key }) => key === 'held-states')).toHaveLength(1);
    expect(store.count()).toBe(6);
    // Nobody waits for it.
    await expect.poll(() => server.heldStates.carried).toEqual([wanted]);
    const { manifest } = await server.state(id);
    expect(manifest).toMatchObject({
      lifecycle: 'live',
      head: 'refs/heads/dev',
      appliedState: { id: wanted.id, author: wanted.author, at: wanted.at },
      causes: [{ kind: 'order', actor: wanted.author, evidence: wanted.id }],
    });
    // Dated before the signed state as far as the announcement, a moment ago, leaves room.
    const announcedAt = await server.repositories.get(id).manifest(manifest.parent ?? '');
    expect(manifest.receiptAt).toBe(Math.max(wanted.at - 1, announcedAt.receiptAt + 1));
    expect(await user.run(['ls-remote', '--symref', grasp, 'HEAD'])).toContain('ref: refs/heads/dev');
  });

  it('is refused as a whole with the reason on a line of its own, and writes nothing', async () => {
    const { grasp, user, first, second } = await published();
    server.heldStates.states.push(heldState({ 'refs/heads/main': second, 'refs/heads/dev': second }));
    store.reset();
    const missing = await user.try(['push', '--quiet', grasp, 'main']);
    expect(missing.stderr).toMatch(/remote: ERR .*refs\/heads\/dev is missing/);
    const extra = await user.try(['push', grasp, 'main', 'main:dev', `${first}:refs/heads/x`]);
    expect(extra.stderr).toMatch(/remote: ERR .*refs\/heads\/x is not in it/);
    expect(store.writes()).toBe(0);
    expect(server.heldStates.carried).toEqual([]);
    await user.run(['push', '--quiet', grasp, 'main', 'main:dev']);
  });

  it('is restricted by protection like its signer', async () => {
    const protection = [{ pattern: 'refs/heads/main', rules: ['push:owner', 'no-force-push'] }];
    const { id, git, grasp, user, first, second } = await announced({ protection });
    await signedIn(user, owner, git).run(['push', '--quiet', git, 'main']);
    server.heldStates.states.push(heldState({ 'refs/heads/main': first }));
    const force = ['push', '--force', grasp, `${first}:refs/heads/main`];
    expect((await user.try(force)).stderr).toContain('ERR the signed state may not change refs/heads/main');
    server.heldStates.states.splice(
      0,
      1,
      heldState({ 'refs/heads/main': first }, { author: owner.publicKey }),
    );
    expect((await user.try(force)).stderr).toContain('it may only be fast-forwarded');
    expect((await server.state(id)).manifest.refs.get('refs/heads/main')).toBe(second);
  });

  it('accepts tips of pull requests as well', async () => {
    const { id, grasp, user, first, second } = await published();
    const [unknown, known] = ['1'.repeat(64), '2'.repeat(64)];
    server.heldStates.tips.set(known, second);
    await user.run(['push', '--quiet', grasp, `${first}:refs/nostr/${unknown}`]);
    const wrong = await user.try(['push', grasp, `${first}:refs/nostr/${known}`]);
    expect(wrong.stderr).toContain('remote: ERR the pull request with this event id names');
    await user.run(['push', '--quiet', grasp, `${second}:refs/nostr/${known}`]);
    const { manifest } = await server.state(id);
    expect([...manifest.refs.keys()]).toEqual([
      'refs/heads/main',
      `refs/nostr/${unknown}`,
      `refs/nostr/${known}`,
    ]);
    expect(manifest.causes).toEqual([
      { kind: 'push', actor: null, evidence: null, refs: [`refs/nostr/${known}`] },
    ]);
  });

  it('needs no state with a token of a key that may write', async () => {
    const { id, grasp, user, second } = await published();
    await signedIn(user, maintainer, grasp).run(['push', '--quiet', grasp, 'main']);
    const { manifest } = await server.state(id);
    expect(manifest.refs.get('refs/heads/main')).toBe(second);
    expect(manifest.causes).toMatchObject([{ kind: 'push', actor: maintainer.publicKey }]);
  });

  it('to a private repository needs a token of a member', async () => {
    const { grasp, user, second } = await announced({ private: true });
    server.heldStates.states.push(heldState({ 'refs/heads/main': second }));
    expect((await user.try(['push', grasp, 'main'])).exitCode).toBe(128);
    await signedIn(user, reader, grasp).run(['push', '--quiet', grasp, 'main']);
    await expect.poll(() => server.heldStates.carried).toHaveLength(1);
  });

  it('shows a reason on the progress band, whatever the client requested', async () => {
    const { grasp } = await published();
    const head = pushHead([{ name: 'refs/heads/main', from: 'a'.repeat(40) }], {
      capabilities: 'report-status side-band-64k quiet',
    });
    const answer = await send(`${grasp}/git-receive-pack`, { headers: RECEIVE_PACK, body: head });
    expect(bandsOf(answer.body).progress).toMatch(/^ERR /);
    expect(reportOf(answer)[1]).toMatch(/^ng refs\/heads\/main /);
  });
});

describe('reading a private repository', () => {
  it.each([0, 1, 2])('costs one conditional request for each request of protocol v%i', async (version) => {
    const { git, user } = await published({ private: true });
    const client = signedIn(user.with(`protocol.version=${version}`), reader, git);
    await client.run(['clone', '--quiet', git, `copy-${version}`]);
    store.reset();
    await client.run(['clone', '--quiet', git, `again-${version}`]);
    const requests = version === 2 ? 3 : 2;
    expect(store.log.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual(
      Array(requests).fill('get not-modified'),
    );
  });
});

describe('a page of another origin in a browser (issue 11, point 24)', () => {
  const endpoints = [
    ['info/refs?service=git-upload-pack', 'GET'],
    ['info/refs?service=nonsense', 'GET'],
    ['nothing', 'GET'],
    ['git-upload-pack', 'POST'],
    ['git-receive-pack', 'POST'],
    ['git-upload-pack', 'OPTIONS'],
  ] as const;
  const origin = { Origin: 'https://app.example' };

  it.each(endpoints)('may read every GRASP response: %s %s', async (endpoint, method) => {
    for (const identifier of ['never there', '..%2fup', '%ff']) {
      const url = `${server.url}/${owner.npub}/${identifier}.git/${endpoint}`;
      const answer = await send(url, { method });
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(answer.headers['access-control-allow-methods']).toContain('POST');
      expect(answer.headers['access-control-allow-headers']).toContain('Content-Type');
      if (method === 'OPTIONS') expect(answer.status).toBe(204);
      else expect(answer.status).toBeGreaterThanOrEqual(400);
    }
  });

  it.each(['/', '/nothing', '/healthz', '/readyz', '/metrics', '/git', '/git/', '/%ff', '/npub1x/y'])(
    'may read every response outside of repositories: %s',
    async (path) => {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS']) {
        const answer = await send(`${server.url}${path}`, { method });
        expect(answer.headers, `${method} ${path}`).toMatchObject({
          'access-control-allow-origin': '*',
          'access-control-allow-methods': expect.stringContaining('POST'),
          'access-control-allow-headers': expect.stringContaining('Content-Type'),
        });
        if (method === 'OPTIONS') expect(answer.status).toBe(204);
      }
    },
  );

  it('may read responses of the other URL space with credentials', async () => {
    const { git } = await published();
    const url = `${git}/info/refs?service=git-receive-pack`;
    const asked = await send(url, { headers: origin });
    expect(asked).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': '*' } });
    expect(asked.headers['access-control-expose-headers']).toContain('WWW-Authenticate');
    // What programs in a page need to ask for a part of a file, or whether it has changed.
    for (const name of ['Range', 'If-Range', 'If-None-Match'])
      expect(asked.headers['access-control-allow-headers']).toContain(name);
    for (const name of ['ETag', 'Content-Range'])
      expect(asked.headers['access-control-expose-headers']).toContain(name);
    expect((await send(url)).headers['access-control-allow-origin']).toBeUndefined();
  });

  it('may read nothing of a server with open access', async () => {
    await using open = await startGitServer(store, { access: 'open' });
    const repositories = [gitUrl, graspUrl].map((urlOf) => urlOf(open.url, owner, 'any'));
    const urls = repositories.map((repository) => `${repository}/info/refs?service=git-upload-pack`);
    for (const url of [...urls, `${open.url}/`, `${open.url}/healthz`, `${open.url}/nothing`]) {
      const answer = await send(url, { headers: origin });
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });
});
