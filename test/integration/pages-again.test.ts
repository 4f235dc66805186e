/** A page that is asked for again is answered without routes. It must be the answer that these would give. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ObjectSession } from '../../src/git-process/object-session.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { formatNpub } from '../../src/nostr/public-key.ts';
import { UNANNOUNCED } from '../../src/repository/manifest.ts';
import { CodeRig, textOf } from '../helpers/code-rig.ts';
import { GitClient } from '../helpers/git-client.ts';
import { speak } from '../helpers/raw-socket.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const PAGES = [
  '',
  '/tree/main',
  '/file/main/a.txt',
  '/file/main/a.txt?plain=1',
  '/commits/main',
  '/branches',
];
const REQUEST_HEADERS = [
  '',
  'Accept: text/html,*/*;q=0.8\r\n',
  'Accept: application/json\r\n',
  'Accept: application/json;q=0.9, text/html\r\n',
  'Accept-Encoding: gzip, br\r\n',
  'Accept-Encoding: gzip;q=0\r\n',
  'If-None-Match: "other"\r\n',
  'Origin: https://elsewhere.example\r\n',
];

it('a server gives the same answers again, and logs each request', async () => {
  const logged: string[] = [];
  await using folder = await tempDir();
  await using server = await startServer({ onLog: (line) => void logged.push(line) });
  const client = await new GitClient(folder.path).init('pages', '--initial-branch=main');
  await client.commit('Begin', { 'a.txt': 'text\n'.repeat(1_000), 'README.md': '# Pages\n' });
  await client.run(['push', '--quiet', repositoryUrl(server, 'pages'), 'main']);
  const port = Number(new URL(server.url).port);
  const ask = async (host: string, path: string, headers: string) => {
    const line = `GET /${formatNpub(OWNER)}/pages${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n`;
    const answer = await speak(
      connect(port, '127.0.0.1'),
      `${line}${headers}Accept-Charset: x\r\nConnection: close\r\n\r\n`,
    );
    const end = answer.indexOf('\r\n\r\n');
    const [status, ...lines] = answer.toString('latin1', 0, end).split('\r\n');
    const changes = /^(?:date|x-request-id):/i;
    expect(lines.filter((one) => changes.test(one))).toHaveLength(2);
    const same = lines.filter((one) => !changes.test(one));
    const named = same.map((one) => one.replace(/^[^:]+/, (name) => name.toLowerCase())).sort();
    return { status, headers: named, body: answer.toString('latin1', end + 4) };
  };
  let requests = 0;
  for (const path of PAGES)
    for (const headers of REQUEST_HEADERS) {
      // Hono writes hosts small, so that what is kept for this URL is not found: routes answer each time.
      const made = await ask('LOCALHOST', path, headers);
      expect(made.status).toBe('HTTP/1.1 200 OK');
      for (let time = 0; time < 3; time++) expect(await ask('localhost', path, headers)).toEqual(made);
      const etag = made.headers.find((one) => one.startsWith('etag: '))?.slice(6);
      if (headers.startsWith('If-')) continue;
      const known = `${headers}If-None-Match: ${etag}\r\n`;
      const unchanged = await ask('LOCALHOST', path, known);
      expect(unchanged).toMatchObject({ status: 'HTTP/1.1 304 Not Modified', body: '' });
      for (let time = 0; time < 2; time++) expect(await ask('localhost', path, known)).toEqual(unchanged);
      requests += 7;
    }
  const lines = () => logged.filter((line) => line.includes('"msg":"request"') && line.includes('/pages'));
  await expect.poll(() => lines().length).toBeGreaterThanOrEqual(requests);
});

it('requests that only look like one for a kept page get the answers of the routes', async () => {
  await using folder = await tempDir();
  await using server = await startServer();
  const client = await new GitClient(folder.path).init('alike', '--initial-branch=main');
  await client.commit('Begin', { 'info/refs': 'text\n' });
  await client.run(['push', '--quiet', repositoryUrl(server, 'alike'), 'main']);
  const port = Number(new URL(server.url).port);
  const ask = async (target: string, host = `localhost:${port}`) => {
    const request = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    return String(await speak(connect(port, '127.0.0.1'), request)).slice(0, 'HTTP/1.1 200'.length);
  };
  const page = `/${formatNpub(OWNER)}/alike`;
  const file = `${page}/file/main/info`;
  for (let time = 0; time < 2; time++) {
    // The path and the query of a git command, if dots are left out.
    expect(await ask(`${file}/./refs?service=git-upload-pack`)).toBe('HTTP/1.1 200');
    expect(await ask(`${file}/refs?service=git-upload-pack`)).toBe('HTTP/1.1 404');
    expect(await ask(`${file}/refs`)).toBe('HTTP/1.1 200');
    // A host that is no host makes the same text.
    expect(await ask('/info/refs', `localhost:${port}${page}/file/main`)).toBe('HTTP/1.1 400');
  }
});

describe('kept pages', () => {
  let rig: CodeRig;
  beforeAll(async () => {
    // What was seen stays recent.
    rig = await CodeRig.open({ clock: { ...systemClock, monotonic: () => 0 } });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  /** What is kept for a page, as the routes get its URL. */
  const again = (url: string, caller = '', headers = {}) => rig.kept.answer({ url, caller, headers });

  async function project(name: string) {
    const { client, push, get, id } = await rig.project(name);
    await client.commit('Begin', { a: '1\n' });
    await push();
    const url = `http://localhost/${formatNpub(id.owner)}/${name}/tree/main`;
    return { client, push, id, get, url };
  }

  it('answer a URL that was asked for, as the routes do', async () => {
    const { get, url } = await project('kept');
    expect(await again(url)).toBeUndefined();
    const page = await get('tree/main');
    const answer = await again(url);
    expect(answer?.status).toBe(200);
    expect(answer?.body?.toString()).toBe(await page.text());
    expect(new Headers(answer?.headers)).toEqual(page.headers);
    expect(await again(url.replace('localhost', 'other.example'))).toBeUndefined();
    expect(await again(`${url}?page=2`)).toBeUndefined();
    expect(await again(url, '', { accept: 'application/json' })).toBeUndefined();
    expect(await again(url, '', { accept: 'text/html, application/json;q=0.1' })).toBeUndefined();
    await get('tree/main', { Accept: 'application/json' });
    expect((await again(url, '', { accept: 'application/json' }))?.headers).toMatchObject({
      'Content-Type': 'application/json; charset=utf-8',
    });
    const { ETag } = answer?.headers ?? {};
    expect(await again(url, '', { 'if-none-match': ETag })).toMatchObject({ status: 304, body: null });
  });

  it('do not answer once something was pushed, or not everybody may read the repository', async () => {
    const { client, push, get, url, id } = await project('changes');
    await get('tree/main');
    expect(await again(url)).toBeDefined();
    await client.commit('Go on', { a: '2\n' });
    await push();
    expect(await again(url)).toBeUndefined();
    await get('tree/main');
    expect((await again(url))?.body?.toString()).toContain('Go on');
    await rig.server.announce(id, {
      policy: { ...UNANNOUNCED, writers: [rig.owner.publicKey], private: true },
    });
    expect(await again(url)).toBeUndefined();
    expect((await get('tree/main')).status).toBe(404);
  });

  it('are not those that were made while the default branch could not be read', async () => {
    const { client, push, get, url } = await project('unread');
    const begin = await client.oidOf('main');
    await client.commit('Map', { '.mailmap': 'Wanted Name <user@example.com>\n' });
    await push();
    const tip = await client.oidOf('main');
    const { readSmall } = ObjectSession.prototype;
    let isDamaged = true;
    using reading = vi.spyOn(ObjectSession.prototype, 'readSmall');
    reading.mockImplementation(function (this: ObjectSession, oid, maxSize) {
      return isDamaged && oid === tip ? Promise.resolve(undefined) : readSmall.call(this, oid, maxSize);
    });
    const page = `commit/${begin}`;
    const kept = () => again(url.replace('tree/main', page));
    expect(await textOf(await get(page))).toContain('A User');
    expect(await kept()).toBeUndefined();
    isDamaged = false;
    const whole = await textOf(await get(page));
    expect(whole).toContain('Wanted Name');
    expect(whole).not.toContain('A User');
    expect((await kept())?.body?.toString()).toBe(whole);
  });

  it('are charged to the visitor, who has to wait at the routes', async () => {
    const { get, url } = await project('charged');
    await get('tree/main');
    const caller = '192.0.2.1';
    expect(await again(url, caller)).toBeDefined();
    rig.kept.traffic.charge(caller, 1_000);
    expect(await again(url, caller)).toBeUndefined();
    expect(await again(url, '192.0.2.2')).toBeDefined();
    let answered = 0;
    while ((await again(url, '192.0.2.3')) !== undefined) answered++;
    // A burst of 120 seconds, of which each page takes a millisecond.
    expect(answered).toBeGreaterThan(119_900);
    expect(answered).toBeLessThan(120_100);
  });
});
