/** How requests may be written that are still good ones, and what those hear that are not. */
import { type ClientRequest, request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { delimiterPacket, encodePacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { hosted } from '../helpers/hosted.ts';
import { tokenFor } from '../helpers/identity.ts';
import { Person } from '../helpers/nostr-client.ts';
import { fetchFrom, RECEIVE_PACK, send, UPLOAD_PACK } from '../helpers/raw-git.ts';
import { speak } from '../helpers/raw-socket.ts';
import { OWNER } from '../helpers/server.ts';

const V2 = { 'Git-Protocol': 'version=2' };
const LIST = Buffer.concat([encodePacket('command=ls-refs\n'), delimiterPacket, flushPacket]);

/** Sends the head of a request as it is, and returns all that comes back until the server closes. */
async function ask(url: string, head: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return String(await speak(connect(Number(port), hostname), `${head}Connection: close\r\n\r\n`));
}

/** What happens to a request that waits to be told to send its body, which it then sends. */
async function expecting(url: string, headers: Record<string, string>, body: Buffer): Promise<string[]> {
  const events: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const length = { Expect: '100-continue', 'Content-Length': body.length };
    const outgoing: ClientRequest = request(url, { method: 'POST', headers: { ...headers, ...length } });
    outgoing.on('error', reject);
    outgoing.on('continue', () => {
      events.push('continue');
      outgoing.end(body);
    });
    outgoing.on('response', (incoming) => {
      events.push(String(incoming.statusCode));
      incoming.resume().on('end', () => {
        outgoing.destroy();
        resolve();
      });
    });
    outgoing.flushHeaders();
  });
  return events;
}

describe('a repository is found (issue 11, point 18)', () => {
  const cairn = hosted(async () => new MemoryObjectStore());

  it('with double slashes at the beginning of the path and inside it', async () => {
    const { url, tip, user } = await cairn.published();
    const { pathname } = new URL(url);
    for (const path of [`/${pathname}`, pathname.replaceAll('/', '//'), pathname.replace('.git', '.git/')]) {
      expect(await user.run(['ls-remote', `${cairn.app.url}${path}`, 'main'])).toContain(tip);
    }
    const pushed = await user.clone(`${cairn.app.url}/${pathname}`, 'doubled');
    await pushed.commit('Through two slashes', { file: 'x\n' });
    await pushed.run(['push', '--quiet', 'origin', 'main']);
    expect((await send(`${cairn.app.url}/${pathname.replaceAll('/', '//')}`)).status).toBe(200);
  });

  it('with a request line in absolute form', async () => {
    const { url, tip } = await cairn.published();
    for (const base of [
      url,
      url.replace(cairn.app.url, 'http://git.example'),
      url.replace('/git/', '//git/'),
    ]) {
      const answer = await ask(url, `GET ${base}/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(answer).toContain(tip);
    }
  });

  it.each(['GZIP', 'Gzip', ' X-GZip ', 'Identity'])('with a body whose encoding is %s', async (encoding) => {
    const { url, tip } = await cairn.published();
    const body = /gzip/i.test(encoding) ? gzipSync(LIST) : LIST;
    const answer = await fetchFrom(url, body, { ...V2, 'Content-Encoding': encoding });
    expect(answer.text).toContain(tip);
  });

  it('with a content type in any case', async () => {
    const { url, tip } = await cairn.published();
    const type = 'Application/X-Git-Upload-Pack-Request; charset=utf-8';
    expect((await fetchFrom(url, LIST, { ...V2, 'Content-Type': type })).text).toContain(tip);
  });
});

describe('a URL that names no repository', () => {
  const cairn = hosted(async () => new MemoryObjectStore());

  it.each(['', '/team/tool.git', '/tool', `/${OWNER}/tool`, `/git/${OWNER}`, `/git/${OWNER}/a/b.git`])(
    'git shows the form of URLs for "%s"',
    async (path) => {
      const { user } = await cairn.place();
      const { stderr } = await user.try(['ls-remote', `${cairn.app.url}${path}`]);
      expect(stderr).toContain('the URL names no repository: expected /git/<owner>/<identifier>.git');
    },
  );

  it('browsers still get a page there', async () => {
    const answer = await send(`${cairn.app.url}/team/tool.git/info/refs`);
    expect(answer).toMatchObject({ status: 404 });
    expect(answer.headers['content-type']).toContain('text/html');
  });
});

describe('Git LFS', () => {
  const cairn = hosted(async () => new MemoryObjectStore());

  it.each([
    { endpoint: 'objects/batch', body: '{"operation":"upload","objects":[]}' },
    { endpoint: 'locks/verify', body: '{}' },
    { endpoint: 'locks', body: undefined },
  ])('$endpoint is answered alike for all repositories: there is none', async ({ endpoint, body }) => {
    const { url } = await cairn.created();
    for (const repository of [url, `${cairn.app.url}/git/${OWNER}/missing.git`]) {
      const answer = await send(`${repository}/info/lfs/${endpoint}`, body === undefined ? {} : { body });
      expect(answer.status).toBe(501);
      expect(answer.headers['content-type']).toBe('application/vnd.git-lfs+json');
      expect(JSON.parse(answer.text)).toEqual({
        message: expect.stringContaining('this server has no Git LFS'),
      });
    }
  });
});

describe('a wrong method (issue 11, point 18)', () => {
  const cairn = hosted(async () => new MemoryObjectStore());

  it.each([
    { endpoint: '/info/refs?service=git-upload-pack', method: 'POST', allow: 'GET, HEAD, OPTIONS' },
    { endpoint: '/git-upload-pack', method: 'GET', allow: 'POST, OPTIONS' },
    { endpoint: '/git-receive-pack', method: 'PUT', allow: 'POST, OPTIONS' },
    { endpoint: '/git-receive-pack', method: 'HEAD', allow: 'POST, OPTIONS' },
    { endpoint: '', method: 'DELETE', allow: 'GET, HEAD, OPTIONS' },
  ])(
    '$method for "$endpoint" gets status 405 with the allowed methods',
    async ({ endpoint, method, allow }) => {
      const { url } = await cairn.created();
      const answer = await send(`${url}${endpoint}`, { method });
      expect(answer.status).toBe(405);
      expect(answer.headers['allow']).toBe(allow);
    },
  );

  it.each(['/healthz', '/readyz', '/metrics', '/'])('POST for %s gets status 405 as well', async (path) => {
    const answer = await send(`${cairn.app.url}${path}`, { body: 'x' });
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('GET, HEAD, OPTIONS');
  });

  it('OPTIONS below /git/ gets status 204 for any path', async () => {
    for (const path of ['x.git/info/refs', 'x.git/git-receive-pack', 'x.git/nothing', 'x.git', '']) {
      const answer = await send(`${cairn.app.url}/git/${OWNER}/${path}`, { method: 'OPTIONS' });
      expect(answer).toMatchObject({ status: 204, text: '' });
    }
  });
});

describe('a client that waits for 100 Continue (issue 11, point 18)', () => {
  const cairn = hosted(async () => new MemoryObjectStore());
  const signed = hosted(async () => new MemoryObjectStore(), { flags: { access: 'signed' } });

  it('gets it if its request can be answered', async () => {
    const { url } = await cairn.published();
    expect(await expecting(`${url}/git-upload-pack`, { ...UPLOAD_PACK, ...V2 }, LIST)).toEqual([
      'continue',
      '200',
    ]);
    expect(await expecting(`${url}/git-receive-pack`, RECEIVE_PACK, flushPacket)).toEqual([
      'continue',
      '200',
    ]);
  });

  it.each([
    { what: 'an unknown endpoint', path: 'x.git/nothing', headers: UPLOAD_PACK, answer: '404' },
    { what: 'a name that is none', path: '%ff.git/git-receive-pack', headers: RECEIVE_PACK, answer: '400' },
    { what: 'a wrong method', path: 'x.git/info/refs', headers: UPLOAD_PACK, answer: '405' },
    { what: 'a wrong type', path: 'x.git/git-upload-pack', headers: RECEIVE_PACK, answer: '400' },
    { what: 'a repository not there', path: 'x.git/git-upload-pack', headers: UPLOAD_PACK, answer: '404' },
  ])('is refused before it sends its body: $what', async ({ path, headers, answer }) => {
    expect(await expecting(`${cairn.app.url}/git/${OWNER}/${path}`, headers, LIST)).toEqual([answer]);
  });

  it('is refused before it sends its body without credentials', async () => {
    const url = `${signed.app.url}/git/${OWNER}/x.git`;
    expect(await expecting(`${url}/git-receive-pack`, RECEIVE_PACK, LIST)).toEqual(['401']);
    expect(await expecting(`${url}/git-upload-pack`, { ...UPLOAD_PACK, ...V2 }, LIST)).toEqual(['401']);
  });

  it('is refused before it sends its body with a key that may not push', async () => {
    const url = `${signed.app.url}/git/${OWNER}/x.git`;
    const headers = { ...RECEIVE_PACK, Authorization: tokenFor(new Person(), url) };
    expect(await expecting(`${url}/git-receive-pack`, headers, LIST)).toEqual(['404']);
  });
});
