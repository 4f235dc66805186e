/** Pages of files, commits and histories, of repositories made by real git, through the routes that serve them. */
import { gunzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RepositoryViews } from '../../src/browse/repository-views.ts';
import { Git } from '../../src/git-process/git.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { formatNpub } from '../../src/nostr/public-key.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { UNANNOUNCED } from '../../src/repository/manifest.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { CODE_PAGES } from '../../src/web/code/code-page-list.ts';
import { codeRoutes } from '../../src/web/code/code-routes.ts';
import { KeptPages } from '../../src/web/code/kept-pages.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type GitServer, startGitServer } from '../helpers/git-server.ts';
import { Person } from '../helpers/nostr-client.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const owner = new Person();
let server: GitServer;
let folder: TempDir;
let git: Git;
let views: RepositoryViews;
let app: Hono;

beforeAll(async () => {
  folder = await tempDir('cairn-browse');
  server = await startGitServer(new FaultyStore(new MemoryObjectStore()), { access: 'open' });
  git = new Git({ binary: 'git', home: folder.path });
  views = new RepositoryViews({ git, slots: 2, queue: 64, timeLimit: 60_000, idle: 60_000 });
  app = new Hono().route(
    '/',
    codeRoutes({
      repositories: server.repositories,
      views,
      base: 'https://git.example.org',
      namesOf,
      kept: new KeptPages({ repositories: server.repositories, namesOf, clock: systemClock }),
      clock: systemClock,
    }),
  );
  app.onError((error) => {
    throw error;
  });
});
afterAll(async () => {
  await views.close();
  await git.close();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const namesOf = ({ identifier }: { readonly identifier: string }) => ({ name: identifier });

/** A working folder whose commits are pushed by `push`. */
async function project(name: string, ...options: string[]) {
  const client = await new GitClient(folder.path).init(name, '--initial-branch=main', ...options);
  const id = repositoryId(owner.publicKey, name);
  const url = `${server.url}/git/${formatNpub(owner.publicKey)}/${name}.git`;
  return {
    client,
    push: (...refs: string[]) =>
      client.run(['push', '--quiet', url, ...(refs.length === 0 ? ['main'] : refs)]),
    get: (path: string, headers: Record<string, string> = {}) =>
      Promise.resolve(app.request(`/${formatNpub(owner.publicKey)}/${name}/${path}`, { headers })),
    id,
  };
}

async function text(response: Response, status = 200): Promise<string> {
  const body = await response.text();
  expect(response.status, body.slice(0, 300)).toBe(status);
  return body;
}

describe('files and folders', () => {
  it('are listed with the last commit of each, folders first', async () => {
    const { client, push, get } = await project('tree');
    await client.commit('Begin', { 'a.txt': 'one\n', 'src/x.ts': 'x\n', 'src/deep/y.ts': 'y\n' });
    await client.commit('Change only <a>', { 'a.txt': 'one\ntwo\n' });
    await push();
    const root = await text(await get('tree/main'));
    expect(root).toContain('Change only &lt;a&gt;');
    expect(root.indexOf('src/')).toBeLessThan(root.indexOf('a.txt'));
    expect([...root.matchAll(/class="plain"[^>]*><bdi>([^<]*)/g)].map(([, subject]) => subject)).toEqual([
      'Begin',
      'Change only &lt;a&gt;',
    ]);
    expect(await text(await get('tree/main/src'))).toContain('deep</bdi>/');
    const file = await text(await get('file/main/a.txt'));
    expect(file).toContain('id="L2"');
    expect(file).toContain('2 lines');
    // Who asks for one of the wrong kind is sent to the other page.
    for (const [asked, right] of [
      ['tree/main/a.txt', 'file/main/a.txt'],
      ['file/main/src', 'tree/main/src'],
      ['blame/main/src', 'tree/main/src'],
    ] as const) {
      const answer = await get(asked);
      expect([answer.status, answer.headers.get('location')]).toEqual([
        302,
        expect.stringMatching(`/tree/${right}$`),
      ]);
    }
    for (const [path, what] of [
      ['tree/main/none', 'There is no such file or folder in this commit'],
      ['file/none/a.txt', 'There is no branch, tag or commit'],
      ['tree/main/a.txt/b', 'There is no such file or folder in this commit'],
    ] as const) {
      const missing = await text(await get(path), 404);
      expect(missing).toContain(what);
      // The repository and its parts stay above.
      expect(missing).toMatch(
        /<nav class="repository"[\s\S]*<a class="name" href="\/npub1\w+\/[^"/]+">[\s\S]*>Branches<[\s\S]*<h1 class="subject">Not found/,
      );
    }
  });

  it('may have names of any bytes', async () => {
    const { client, push, get } = await project('names');
    const bytes = Buffer.from(Array.from({ length: 255 }, (_, at) => at + 1).filter((byte) => byte !== 0x2f));
    const blob = (await client.run(['hash-object', '-w', '--stdin'], { input: 'found' })).trim();
    const entry = Buffer.concat([Buffer.from(`100644 blob ${blob}\t`), bytes, Buffer.from([0])]);
    const tree = (await client.run(['mktree', '-z'], { input: entry })).trim();
    const commit = (await client.run(['commit-tree', tree, '-m', 'Odd'])).trim();
    await client.run(['update-ref', 'refs/heads/main', commit]);
    await push();
    const root = await text(await get('tree/main'));
    const [, link = ''] = /href="[^"]*\/(file\/main\/[^"]*)"/.exec(root) ?? [];
    expect(link).toMatch(/%01%02/);
    expect(await text(await get(link))).toContain('found');
    expect(await text(await get(link.replace('file/', 'raw/')))).toBe('found');
    // A walk reads its path from a line.
    await text(await get(link.replace('file/', 'commits/')), 404);
  });

  it('are decoded, or marked as binary, linked or large', async () => {
    const { client, push, get } = await project('encodings');
    await client.commit('Begin', {
      latin1: Buffer.from('caf\xe9\n', 'latin1'),
      utf16: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('Grüße\n', 'utf16le')]),
      binary: Buffer.from([1, 0, 2]),
      crlf: 'one\r\ntwo',
      empty: '',
      giant: `${'x'.repeat(1_000_000)}\n`,
      huge: Buffer.alloc(3_000_000, 'line\n'),
      page: '<script>alert(1)</script>\n',
    });
    await client.run(['config', 'core.symlinks', 'true']);
    const { symlink } = await import('node:fs/promises');
    await symlink('../else/where', `${client.folder}/link`);
    await client.run(['add', '-A']);
    await client.run(['commit', '-qm', 'Link']);
    await push();
    expect(await text(await get('file/main/latin1'))).toContain('café');
    expect(await text(await get('file/main/utf16'))).toContain('Grüße');
    expect(await text(await get('file/main/binary'))).toContain('binary file');
    expect(await text(await get('file/main/crlf'))).toContain('<code>one</code>');
    expect(await text(await get('file/main/empty'))).toContain('0 lines');
    const giant = await text(await get('file/main/giant'));
    expect(giant.length).toBeLessThan(20_000);
    expect(giant).toContain('The rest of the file is not shown');
    expect(await text(await get('file/main/huge'))).toContain('too large');
    expect(await text(await get('file/main/link'))).toContain('../else/where');
    expect(await text(await get('file/main/page'))).toContain('&lt;script&gt;');
  });

  it('are sent raw without running anything in them', async () => {
    const { client, push, get } = await project('raw');
    await client.commit('Begin', {
      'a.html': '<script>1</script>',
      'b.svg': '<svg/>',
      'c.bin': Buffer.from([0]),
      'd.txt': Buffer.from('caf\xe9\n', 'latin1'),
      'e.txt': Buffer.from('\ufeffGrüße\n', 'utf16le'),
      'f.opus': Buffer.from([0]),
    });
    await push();
    const page = await get('raw/main/a.html');
    expect(page.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain('sandbox');
    expect((await get('raw/main/b.svg')).headers.get('content-type')).toBe('image/svg+xml');
    expect((await get('raw/main/c.bin')).headers.get('content-disposition')).toMatch(/^attachment/);
    // Browsers read a text in the encoding that is said.
    for (const [file, encoding] of [
      ['d.txt', 'windows-1252'],
      ['e.txt', 'utf-16le'],
    ])
      expect(Object.fromEntries((await get(`raw/main/${file}`)).headers)).toMatchObject({
        'content-type': `text/plain; charset=${encoding}`,
        'content-disposition': `inline; filename="${file}"`,
      });
    expect((await get('raw/main/f.opus')).headers.get('content-type')).toBe('audio/ogg');
    const etag = page.headers.get('etag') ?? '';
    const again = await get('raw/main/a.html', { 'If-None-Match': etag });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('are paged in a folder of 20,000, without a walk through the history', async () => {
    const { client, push, get } = await project('wide');
    const blob = (await client.run(['hash-object', '-w', '--stdin'], { input: 'x' })).trim();
    const entries = Array.from({ length: 20_000 }, (_, at) => `100644 blob ${blob}\tf${at}`).join('\n');
    const tree = (await client.run(['mktree'], { input: `${entries}\n` })).trim();
    await client.run([
      'update-ref',
      'refs/heads/main',
      (await client.run(['commit-tree', tree, '-m', 'Wide'])).trim(),
    ]);
    await push();
    const first = await text(await get('tree/main'));
    expect(first).toContain('1–1,000 of 20,000 entries');
    expect(first).toMatch(/<a rel="next" href="[^"]*\/tree\/main\?skip=1000">/);
    const last = await text(await get('tree/main?skip=19999'));
    expect(last).toContain('20,000–20,000 of 20,000 entries');
    expect(last).not.toContain('rel="next"');
    expect(await text(await get('tree/main?skip=20000'))).toContain('None of 20,000 entries');
    const json = await get('tree/main?skip=19999', { Accept: 'application/json' });
    expect(JSON.parse(await text(json))).toMatchObject({
      count: 20_000,
      skip: 19_999,
      entries: [{ name: { text: 'f9999' }, kind: 'file', mode: '100644', size: 1, lastCommit: null }],
    });
    expect(await text(await get('file/main/f19999'))).toContain('<code>x</code>');
  });
});

describe('commits and histories', () => {
  it('are paged, and can follow a path', async () => {
    const { client, push, get } = await project('history');
    const stream = Array.from({ length: 120 }, (_, at) => {
      const file = at % 40 === 0 ? 'seldom' : 'often';
      return `commit refs/heads/main\ncommitter N <n@example.org> ${1_000_000 + at} +0000\ndata <<E\nCommit ${at}\nE\nM 644 inline ${file}\ndata <<E\n${at}\nE\n`;
    });
    await client.run(['fast-import', '--quiet', '--done'], { input: `${stream.join('')}done\n` });
    await push();
    const first = await text(await get('commits/main'));
    expect(first).toContain('Commit 119');
    expect(first).toContain('?skip=50');
    const last = await text(await get('commits/main?skip=100'));
    expect(last).toContain('Commit 0<');
    expect(last).not.toContain('rel="next"');
    const ofPath = await text(await get('commits/main/seldom'));
    expect([...ofPath.matchAll(/<bdi>Commit (\d+)</g)].map(([, at]) => at)).toEqual(['80', '40', '0']);
  });

  it('show changes: renames, modes, binary files, missing line feeds, the root, merges', async () => {
    const { client, push, get } = await project('changes');
    const long = Array.from({ length: 30 }, (_, at) => `line ${at}`).join('\n');
    const first = await client.commit('First\n\nWith a <body>.', {
      moved: `${long}\n`,
      bin: Buffer.from([0, 1]),
      end: 'x',
    });
    await client.run(['mv', 'moved', 'to']);
    const second = await client.commit('Second', {
      bin: Buffer.from([0, 2]),
      end: 'x\n',
      run: '#!/bin/sh\n',
    });
    const sides: string[] = [];
    for (const side of ['1', '2', '3', '4', '5', '6', '7']) {
      await client.run(['checkout', '-q', '-b', `side-${side}`, second]);
      sides.push(await client.commit(`Side ${side}`, { [`side-${side}`]: side }));
    }
    await client.run(['checkout', '-q', 'main']);
    await client.commit('Main', { main: '1' });
    await client.run(['merge', '-q', '-m', 'Octopus', ...sides]);
    await push();
    const root = await text(await get(`commit/${first}`));
    expect(root).toContain('3 changed files');
    expect(root).toContain('With a &lt;body&gt;.');
    expect(root).toContain('no line feed at the end');
    const changed = await text(await get(`commit/${second}`));
    expect(changed).toContain('<bdi>moved</bdi> → <bdi>to</bdi>');
    expect(changed).toContain('Binary file, or a very large one.');
    expect(changed).toContain('<span class="quiet">renamed</span>');
    const tip = (await client.oidOf('main')).trim();
    const merge = await text(await get(`commit/${tip}`));
    expect([...merge.matchAll(/<dt>Parent<\/dt>/g)]).toHaveLength(8);
    expect(await text(await get('commits/main'))).toContain('merge of 8');
    await text(await get(`commit/${'0'.repeat(40)}`), 404);
    await text(await get('commit/none'), 404);
  });

  it('show unusual commits: no message, days before 1970, names in Latin-1, distant time zones', async () => {
    const { client, push, get } = await project('odd');
    const tree = (await client.run(['mktree'], { input: '' })).trim();
    const make = async (lines: string) =>
      (
        await client.run(['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], {
          input: Buffer.from(lines, 'latin1'),
        })
      ).trim();
    const head = `tree ${tree}\nauthor Jos\xe9 <j@example.org> 5 -1130\ncommitter C <c@example.org> 5 +1400\nencoding ISO-8859-1\n\n`;
    const commit = await make(head);
    await client.run(['update-ref', 'refs/heads/main', commit]);
    await push();
    const page = await text(await get(`commit/${commit}`));
    expect(page).toContain('no message');
    expect(page).toContain('José');
    expect(page).toContain('1969-12-31 12:30:05 -1130');
    expect(page).toContain('No file differs');
    expect(await text(await get('tree/main'))).toContain('This folder is empty');
  });

  it('that are too large are reported as such', async () => {
    const { client, push, get } = await project('wordy');
    const tree = (await client.run(['mktree'], { input: '' })).trim();
    const input = 'many words '.repeat(110_000);
    const commit = (await client.run(['commit-tree', tree, '-F', '-'], { input })).trim();
    await client.run(['update-ref', 'refs/heads/main', commit]);
    await push();
    expect(await text(await get(`commit/${commit}`), 413)).toContain('Clone the repository');
  });

  it('work for SHA-256, tags, and refs with slashes', async () => {
    const { client, push, get, id } = await project('sha256', '--object-format=sha256');
    await server.announce(id, { objectFormat: 'sha256' });
    const tip = await client.commit('Begin', { 'a/b': 'of the branch\n' });
    await client.run(['tag', '-a', '-m', 'tagged', 'release/1.0']);
    await client.run(['branch', 'feature/x/y']);
    await push('main', 'release/1.0', 'feature/x/y');
    for (const name of ['main', 'release/1.0', 'feature/x/y', tip, 'HEAD', 'refs/heads/main'])
      expect(await text(await get(`file/${name}/a/b`)), name).toContain('of the branch');
    expect(await text(await get(`commit/${tip}`))).toContain(tip);
  });
});

describe('access to pages', () => {
  it('of a private repository is refused to others as for a missing one', async () => {
    const { client, push, get, id } = await project('private');
    const tip = await client.commit('Secret', { secret: 'x' });
    await push();
    await server.announce(id, {
      policy: { ...UNANNOUNCED, writers: [owner.publicKey], private: true },
    });
    const missing = await project('missing');
    for (const path of [
      'tree/main',
      'file/main/secret',
      'raw/main/secret',
      'commits/main',
      `commit/${tip}`,
      `contains/${tip}`,
      'commits/main?author=x&since=2020-01-01',
      'switch/file/main/secret',
    ]) {
      const [hidden, absent] = [await get(path), await missing.get(path)];
      expect(await text(hidden, 404)).toBe(await text(absent, 404));
      expect([...hidden.headers]).toEqual([...absent.headers]);
    }
  });

  it('to a cached page makes nothing again, and the page has a strong validator', async () => {
    const { client, push, get } = await project('cached');
    await client.commit('Begin', { a: '1' });
    await push();
    const first = await get('tree/main');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect((await get('tree/main', { 'If-None-Match': `"x", ${etag}` })).status).toBe(304);
    await client.commit('Go on', { b: '2' });
    await push();
    expect((await get('tree/main')).headers.get('etag')).not.toBe(etag);
  });
});

describe('pages for programs', () => {
  it('are JSON that matches the schema, with a validator of its own', async () => {
    const { client, push, get } = await project('json');
    await client.commit('Begin', { 'a.txt': 'one\n' });
    const oid = await client.commit('Go on', { 'a.txt': 'one\ntwo\n', 'src/ü.txt': 'x' });
    await push();
    const paths: Readonly<Record<string, string>> = {
      commit: `commit/${oid}`,
      commits: 'commits/main/a.txt',
      blame: 'blame/main/a.txt',
      file: 'file/main/a.txt',
      tree: 'tree/main/src',
    };
    for (const { word, schema } of CODE_PAGES) {
      const path = paths[word];
      if (path === undefined) continue;
      const response = await get(path, { Accept: 'application/json' });
      const body: unknown = JSON.parse(await text(response));
      expect(schema.parse(body), word).toEqual(body);
      expect(response.headers.get('Content-Type')).toBe('application/json; charset=utf-8');
      expect(response.headers.get('Vary')).toBe('Accept, Accept-Encoding');
      const etag = response.headers.get('ETag') ?? '';
      expect((await get(path, { Accept: 'application/json', 'If-None-Match': etag })).status).toBe(304);
      expect((await get(path, { Accept: 'text/html', 'If-None-Match': etag })).status).toBe(200);
    }
    const refusal = await get('tree/none', { Accept: 'application/json' });
    expect(JSON.parse(await text(refusal, 404))).toMatchObject({ error: { kind: 'not-found' } });
  });
});

describe('a page for clients that accept gzip', () => {
  it('is compressed, with a validator of its own', async () => {
    const { client, push, get } = await project('zipped');
    await client.commit('Begin', { 'a.txt': 'one\n' });
    await push();
    const plain = await get('tree/main');
    const zipped = await get('tree/main', { 'Accept-Encoding': 'br, gzip' });
    expect(zipped.headers.get('Content-Encoding')).toBe('gzip');
    expect(zipped.headers.get('Vary')).toBe('Accept, Accept-Encoding');
    const body = Buffer.from(await zipped.arrayBuffer());
    expect(Number(zipped.headers.get('Content-Length'))).toBe(body.length);
    expect(gunzipSync(body).toString()).toBe(await text(plain));
    const etag = zipped.headers.get('ETag') ?? '';
    expect(etag).not.toBe(plain.headers.get('ETag'));
    expect((await get('tree/main', { 'If-None-Match': etag })).status).toBe(200);
    expect((await get('tree/main', { 'If-None-Match': etag, 'Accept-Encoding': 'gzip' })).status).toBe(304);
  });
});

describe('an address that requests too much', () => {
  it('is refused with a time to come back, as HTML and JSON, and others are served', async () => {
    const { client, push, id } = await project('crawled');
    const oid = await client.commit('Begin', { 'a.txt': 'one\n' });
    await push();
    let now = 0;
    const clock = { ...systemClock, monotonic: () => now };
    // Every look at the repository takes two minutes.
    const slow: Pick<RepositoryViews, 'read'> = {
      read: (repository, state, signal, work) =>
        views.read(repository, state, signal, (view) =>
          work({
            ...view,
            get session() {
              now += 120_000;
              return view.session;
            },
          }),
        ),
    };
    let caller = '192.0.2.1';
    const routes = codeRoutes({
      repositories: server.repositories,
      views: slow,
      base: 'https://x',
      namesOf,
      kept: new KeptPages({ repositories: server.repositories, namesOf, clock }),
      clock,
    });
    const known = new Hono<{ Variables: { client: { readonly caller: string } } }>()
      .use(async (c, next) => {
        c.set('client', { caller });
        await next();
      })
      .route('/', routes);
    const get = (path: string, accept = 'text/html') =>
      Promise.resolve(
        known.request(`/${formatNpub(owner.publicKey)}/${id.identifier}/${path}`, {
          headers: { Accept: accept },
        }),
      );
    await text(await get('tree/main'));
    const refusal = await get(`commit/${oid}`);
    expect(await text(refusal, 429)).toContain('Too many pages');
    const wait = Number(refusal.headers.get('Retry-After'));
    expect(JSON.parse(await text(await get('tree/main', 'application/json'), 429))).toMatchObject({
      error: { kind: 'busy' },
    });
    caller = '192.0.2.2';
    await text(await get('tree/main'));
    caller = '192.0.2.1';
    now += wait * 1_000;
    await text(await get('tree/main'));
  });
});
