import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { delimiterPacket, encodePacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { run } from '../helpers/git-client.ts';
import { hosted } from '../helpers/hosted.ts';
import {
  absentId,
  bandsOf,
  fetchFrom,
  packetsOf,
  pushHead,
  RECEIVE_PACK,
  reportOf,
  send,
  UPLOAD_PACK,
} from '../helpers/raw-git.ts';
import { speak } from '../helpers/raw-socket.ts';

const V2 = { 'Git-Protocol': 'version=2' };

/** Headers that belong to the connection, not to git. */
const OF_THE_CONNECTION = ['connection', 'content-length', 'date', 'transfer-encoding'];

function lsRefs(): Buffer {
  return Buffer.concat([encodePacket('command=ls-refs\n'), delimiterPacket, flushPacket]);
}

function want(oid: string): Buffer {
  return Buffer.concat([
    encodePacket(`want ${oid} side-band-64k no-progress ofs-delta\n`),
    flushPacket,
    encodePacket('done\n'),
  ]);
}

/** Small pieces, so that nothing can count on packets arriving whole. */
function inPieces(body: Buffer, size = 7): Buffer[] {
  return Array.from({ length: Math.ceil(body.length / size) }, (_, at) =>
    body.subarray(at * size, (at + 1) * size),
  );
}

describe('HTTP for git', () => {
  const cairn = hosted(async () => new MemoryObjectStore());

  describe('a response has exactly the headers of git http-backend (issue 11, point 17)', () => {
    it.each([
      {
        what: 'the refs for reading',
        method: 'GET',
        endpoint: 'info/refs',
        query: 'service=git-upload-pack',
      },
      {
        what: 'the refs for pushing',
        method: 'GET',
        endpoint: 'info/refs',
        query: 'service=git-receive-pack',
      },
      { what: 'a fetch', method: 'POST', endpoint: 'git-upload-pack', query: '' },
      { what: 'a push', method: 'POST', endpoint: 'git-receive-pack', query: '' },
    ])('to a request for $what', async ({ method, endpoint, query }) => {
      const { url, user, author, tip } = await cairn.published();
      await author.run(['clone', '--quiet', '--bare', '.', '../reference.git']);
      const body =
        endpoint === 'git-upload-pack'
          ? want(tip)
          : pushHead([{ name: 'refs/heads/none', from: absentId() }]);
      const headers = endpoint === 'git-upload-pack' ? UPLOAD_PACK : RECEIVE_PACK;

      const answer = await send(
        `${url}/${endpoint}${query === '' ? '' : `?${query}`}`,
        method === 'GET' ? {} : { headers, body },
      );

      const reference = await run('git', ['-c', 'http.receivepack=true', 'http-backend'], {
        input: method === 'GET' ? '' : body,
        env: {
          PATH: process.env['PATH'] ?? '',
          GIT_PROJECT_ROOT: user.folder,
          GIT_HTTP_EXPORT_ALL: '1',
          PATH_INFO: `/reference.git/${endpoint}`,
          QUERY_STRING: query,
          REQUEST_METHOD: method,
          ...(method === 'GET' ? {} : { CONTENT_TYPE: headers['Content-Type'] }),
        },
      });
      const [expected = ''] = reference.stdout.split('\r\n\r\n');
      const received = Object.entries(answer.headers).filter(([name]) => !OF_THE_CONNECTION.includes(name));
      expect(answer.status).toBe(200);
      expect(received.map(([name, value]) => `${name}: ${value}`).sort()).toEqual(
        expected
          .split('\r\n')
          .map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()))
          .sort(),
      );
    });
  });

  describe('a request body is accepted', () => {
    it.each([
      { how: 'in one piece', encode: (body: Buffer): Buffer | Buffer[] => body, headers: {} },
      { how: 'in chunks', encode: (body: Buffer) => inPieces(body), headers: {} },
      {
        how: 'compressed',
        encode: (body: Buffer) => gzipSync(body),
        headers: { 'Content-Encoding': 'gzip' },
      },
      {
        how: 'compressed and in chunks',
        encode: (body: Buffer) => inPieces(gzipSync(body)),
        headers: { 'Content-Encoding': 'gzip' },
      },
      {
        how: 'compressed under the old name of it',
        encode: (body: Buffer) => gzipSync(body),
        headers: { 'Content-Encoding': 'x-gzip' },
      },
    ])('$how', async ({ encode, headers }) => {
      const { url, tip } = await cairn.published();

      const fetched = await fetchFrom(url, encode(want(tip)), headers);
      expect(bandsOf(fetched.body.subarray('0008NAK\n'.length)).data.subarray(0, 4).toString()).toBe('PACK');

      const listed = await fetchFrom(url, encode(lsRefs()), { ...headers, ...V2 });
      expect(packetsOf(listed.body)).toEqual([`${tip} HEAD`, `${tip} refs/heads/main`, '(flush)']);

      const pushed = await send(`${url}/git-receive-pack`, {
        headers: { ...RECEIVE_PACK, ...headers },
        body: encode(pushHead([{ name: 'refs/heads/main', from: tip }])),
      });
      expect(reportOf(pushed)).toEqual(['unpack ok', 'ok refs/heads/main']);
    });

    it('after 100 Continue', async () => {
      const { url, tip } = await cairn.published();
      const body = want(tip);
      const headers = { ...UPLOAD_PACK, Expect: '100-continue', 'Content-Length': body.length };

      const events: string[] = [];
      await new Promise<void>((resolve, reject) => {
        const outgoing = request(`${url}/git-upload-pack`, { method: 'POST', headers });
        outgoing.on('error', reject);
        outgoing.on('continue', () => {
          events.push('continue');
          outgoing.end(body);
        });
        outgoing.on('response', (incoming) => {
          events.push(String(incoming.statusCode));
          incoming.resume().on('end', resolve);
        });
        outgoing.flushHeaders();
      });

      expect(events).toEqual(['continue', '200']);
    });

    it('if git compresses it because of many wants', async () => {
      const { url, user, author, tip } = await cairn.published();
      const names = Array.from({ length: 60 }, (_, at) => `v${at}`);
      for (const name of names) await author.run(['tag', '--annotate', '-m', name, name, tip]);
      await author.run(['push', '--quiet', '--tags', 'origin']);

      const cloned = await user
        .with('protocol.version=0')
        .try(['clone', url, 'clone'], { env: { GIT_TRACE_CURL: '1' } });

      expect(cloned.exitCode).toBe(0);
      expect(cloned.stderr).toContain('Content-Encoding: gzip');
      expect((await user.at('clone').run(['tag'])).split('\n')).toHaveLength(60);
    });
  });

  describe('a connection is kept', () => {
    it('for the next request, after success and after refusal', async () => {
      const { url, tip } = await cairn.published();
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const sockets = new Set<unknown>();
      agent.on('free', (socket) => sockets.add(socket));
      const requests = [
        () => send(`${url}/info/refs?service=git-upload-pack`, { agent }),
        () => send(`${url}/git-upload-pack`, { headers: { ...UPLOAD_PACK, ...V2 }, body: lsRefs(), agent }),
        () => send(`${url}/info/refs?service=git-nonsense`, { agent }),
        () => send(`${url}/git-upload-pack`, { headers: UPLOAD_PACK, body: want(absentId()), agent }),
        () =>
          send(`${url}/git-receive-pack`, {
            headers: RECEIVE_PACK,
            body: pushHead([{ name: 'refs/heads/x..y' }]),
            agent,
          }),
        () => send(`${url}/git-upload-pack`, { headers: UPLOAD_PACK, body: want(tip), agent }),
      ];

      const statuses: number[] = [];
      for (const next of requests) statuses.push((await next()).status);
      agent.destroy();

      expect(statuses).toEqual([200, 200, 400, 200, 200, 200]);
      expect(sockets.size).toBe(1);
    });

    it('and git uses it again', async () => {
      const { url, user } = await cairn.published();

      const listed = await user.try(['ls-remote', url], { env: { GIT_TRACE_CURL: '1' } });

      expect(listed.stderr).toMatch(/Re-using existing connection/);
    });

    it('only as long as the client wants', async () => {
      const { url } = await cairn.published();

      const answer = await send(`${url}/info/refs?service=git-upload-pack`, {
        headers: { Connection: 'close' },
      });

      expect(answer.headers.connection).toBe('close');
    });

    it('and an old client without chunks is answered', async () => {
      const { url, tip } = await cairn.published();
      const { hostname, port, pathname } = new URL(url);

      const request = `GET ${pathname}/info/refs?service=git-upload-pack HTTP/1.0\r\n\r\n`;
      const answer = (await speak(connect(Number(port), hostname), request)).toString('latin1');

      expect(answer).toMatch(/^HTTP\/1\.[01] 200 OK\r\n/);
      expect(answer.toLowerCase()).not.toContain('chunked');
      expect(answer).toContain(`${tip} refs/heads/main`);
    });
  });

  describe('a page of another origin in a browser', () => {
    const readOnly = hosted(async () => new MemoryObjectStore(), { flags: { access: 'read-only' } });
    const origin = { Origin: 'https://app.example' };
    const ask = { ...origin, 'Access-Control-Request-Method': 'POST' };

    it('may read success, refusal and malformed requests', async () => {
      const { url } = await readOnly.created();

      for (const path of ['info/refs?service=git-upload-pack', 'info/refs?service=x', 'nowhere']) {
        const answer = await send(`${url}/${path}`, { headers: origin });
        expect(answer.headers['access-control-allow-origin']).toBe('*');
      }
    });

    it('may ask whether it can send the headers of git', async () => {
      const { url } = await readOnly.created();

      const answer = await send(`${url}/git-upload-pack`, { method: 'OPTIONS', headers: ask });

      expect(answer).toMatchObject({ status: 204, text: '' });
      expect(answer.headers['access-control-allow-methods']).toContain('POST');
      const allowed = answer.headers['access-control-allow-headers']?.toLowerCase().split(', ');
      expect(allowed).toEqual(expect.arrayContaining(['content-type', 'git-protocol', 'authorization']));
    });

    it('may read nothing if anyone on this machine can push', async () => {
      const { url } = await cairn.published();

      const asked = await send(`${url}/git-receive-pack`, { method: 'OPTIONS', headers: ask });
      const read = await send(`${url}/info/refs?service=git-upload-pack`, { headers: origin });

      expect(asked.status).toBe(204);
      for (const { headers } of [asked, read]) {
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    });
  });

  it('capabilities do not include `ref-in-want`, which is off (issue 11, point 26)', async () => {
    const { url } = await cairn.published();
    const headers = { 'Git-Protocol': 'version=2' };
    const { text } = await send(`${url}/info/refs?service=git-upload-pack`, { headers });
    expect(text).toMatch(/fetch=[^\n]*shallow/);
    expect(text).not.toContain('ref-in-want');
  });

  it('HEAD is answered with the headers only', async () => {
    const { url } = await cairn.published();

    const answer = await send(`${url}/info/refs?service=git-upload-pack`, { method: 'HEAD' });

    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(answer.headers['content-type']).toBe('application/x-git-upload-pack-advertisement');
  });

  it('the URL may have .git or not, and an npub as owner', async () => {
    const { url, user, tip } = await cairn.published();
    const bare = url.replace(/\.git$/, '');
    // The bech32 form of the public key that is 64 times "a" (NIP-19).
    const npub = 'npub1424242424242424242424242424242424242424242424242424qamrcaj';

    for (const form of [bare, `${bare}.git/`, url.replace('a'.repeat(64), npub)]) {
      expect(await user.run(['ls-remote', form, 'main'])).toBe(`${tip}\trefs/heads/main`);
    }
  });

  it('an identifier is decoded once: two encodings of it are one repository, and an encoded percent sign is another', async () => {
    const { user } = await cairn.place();
    const author = await user.init('author');
    const tip = await author.commit('Begin');
    const base = `${cairn.app.url}/git/${'a'.repeat(64)}`;
    await author.run(['push', '--quiet', `${base}/gr%C3%BC%C3%9Fe%20an%20alle.git`, 'main']);

    expect(await user.run(['ls-remote', `${base}/gr%c3%bc%C3%9Fe%20an%20%61lle`, 'main'])).toContain(tip);
    const twice = await user.try(['ls-remote', `${base}/gr%25C3%25BC%25C3%259Fe%2520an%2520alle`]);
    expect(twice.stderr).toContain('repository not found');
  });
});
