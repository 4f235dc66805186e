import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from '../../../../src/fossil/framing.ts';
import { fossilFetch } from '../../../../src/http/fossil/fossil-handlers.ts';
import { writeFossilReply } from '../../../../src/http/fossil/fossil-reply.ts';
import { type FossilHostOptions, fossilHost, listenFossil } from '../../../helpers/fossil-host.ts';
import { FossilRig, lines, whole } from '../../../helpers/fossil-rig.ts';

const CLONE = Buffer.from('clone 3 1\n');

async function repository(options: FossilHostOptions = {}) {
  const rig = await new FossilRig().create();
  await rig.push([whole('content'), whole(lines(0, 100))]);
  return { rig, host: fossilHost(rig.repository, { clock: rig.clock, ...options }) };
}

/** Sends bytes as they are and returns all that comes back until the connection ends. */
function raw(url: string, bytes: Uint8Array | string): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.on('error', reject);
  });
}

const post = (body: Buffer, type = 'application/x-fossil-debug', more = '') =>
  Buffer.concat([
    Buffer.from(`POST / HTTP/1.0\r\nContent-Type: ${type}\r\n${more}Content-Length: ${body.length}\r\n\r\n`),
    body,
  ]);

describe('the handler for Node servers (issue 14, deliverable 3)', () => {
  it('always sends a content length, and never chunks', async () => {
    const { host } = await repository();
    await using server = await listenFossil(host);
    for (const body of [CLONE, Buffer.from(''), Buffer.from('nonsense\n')]) {
      const reply = await raw(server.url, post(body));
      const [head = '', message = ''] = reply.split(/\r\n\r\n(.*)/s);
      expect(head).toMatch(/^HTTP\/1\.[01] 200 OK\r\n/);
      expect(head.toLowerCase()).not.toContain('transfer-encoding');
      expect(head).not.toMatch(/HTTP\/1\.1 100/);
      expect(/content-length: (\d+)/i.exec(head)?.[1]).toBe(String(message.length));
      expect(message.length).toBeGreaterThan(0);
    }
  });

  it('reports errors in an error card with status 200', async () => {
    const { host } = await repository({ messageBytes: 1_000 });
    await using server = await listenFossil(host);
    for (const [body, problem, type] of [
      [Buffer.from('nonsense\n'), 'bad\\scommand', 'application/x-fossil-debug'],
      [Buffer.alloc(5_000, 0x0a), 'more\\sthan\\s1000\\sbytes', 'application/x-fossil-debug'],
      [Buffer.from('clone_seqno x\n'), 'error ', 'application/x-fossil-uncompressed'],
    ] as const) {
      const reply = await raw(server.url, post(body, type));
      expect(reply).toMatch(/^HTTP\/1\.1 200 OK/);
      expect(reply).toContain(problem);
    }
    const bomb = Buffer.concat([Buffer.from([0x7f, 0xff, 0xff, 0xff]), Buffer.from('x')]);
    const refused = await raw(server.url, post(bomb, 'application/x-fossil'));
    const body = Buffer.from(refused.split(/\r\n\r\n(.*)/s)[1] ?? '', 'latin1');
    expect(Buffer.from(await decodeMessage('application/x-fossil', body, 1e6)).toString()).toContain(
      'at\\smost\\s1000',
    );
  });

  it('closes a connection that sends without end', async () => {
    const { host } = await repository({ messageBytes: 1_000 });
    await using server = await listenFossil(host);
    const endless = Buffer.concat([
      Buffer.from(
        'POST / HTTP/1.0\r\nContent-Type: application/x-fossil-debug\r\nContent-Length: 999999999\r\n\r\n',
      ),
      Buffer.alloc(50_000, 0x0a),
    ]);
    await expect(raw(server.url, endless).catch(() => '')).resolves.not.toContain('200 OK');
  });

  it('refuses encoded bodies and other types, and shows browsers a page', async () => {
    const { host } = await repository();
    await using server = await listenFossil(host);
    expect(await raw(server.url, post(CLONE, undefined, 'Content-Encoding: gzip\r\n'))).toContain(
      'content\\sencoding',
    );
    const json = await fetch(server.url, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(json.status).toBe(415);
    const page = await fetch(server.url);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('fossil clone')]);
    expect((await fetch(server.url, { method: 'PUT' })).status).toBe(405);
  });

  it('accepts a charset in the content type', async () => {
    const { host } = await repository();
    await using server = await listenFossil(host);
    expect(await raw(server.url, post(CLONE, 'application/x-fossil-debug; charset=utf-8'))).toContain(
      'clone_seqno 0',
    );
  });
});

describe('large messages', () => {
  const LARGE = 9 * 2 ** 20;

  it('take turns, and small ones do not wait for them', async () => {
    const { host } = await repository();
    let [now, most, small] = [0, 0, 0];
    const held = new AbortController();
    const others = new Promise((resolve) => held.signal.addEventListener('abort', resolve));
    await using server = await listenFossil({
      ...host,
      admit: async (login, message) => {
        if (message.length === CLONE.length) {
          small++;
          return host.admit(login, message);
        }
        now++;
        most = Math.max(most, now);
        // The first one keeps its turn until small ones have been answered.
        await others;
        now--;
        return host.admit(login, message);
      },
    });
    // The longest comment that a line may have, over and over.
    const large = Buffer.concat([CLONE, Buffer.alloc(LARGE, `#${' '.repeat(15_000)}\n`), Buffer.from('\n')]);
    const framed = Buffer.from(await encodeMessage('application/x-fossil', large));
    const sent = [
      raw(server.url, post(large, 'application/x-fossil-uncompressed')),
      raw(server.url, post(framed, 'application/x-fossil')),
      raw(server.url, post(large)),
    ];
    while (now === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let at = 0; at < 3; at++) expect(await raw(server.url, post(CLONE))).toContain('clone_seqno 0');
    expect([small, now, most]).toEqual([3, 1, 1]);
    held.abort();
    for (const reply of await Promise.all(sent)) expect(reply).toContain('clone_seqno 0');
    expect([now, most]).toEqual([0, 1]);
  });

  it('give their turn to the next one, if they are damaged, too', async () => {
    const { host } = await repository();
    await using server = await listenFossil(host);
    const damaged = Buffer.alloc(1_000, 'x');
    damaged.writeUInt32BE(LARGE);
    for (let at = 0; at < 3; at++) {
      const refused = await raw(server.url, post(damaged, 'application/x-fossil'));
      expect(refused).toContain('200 OK');
    }
    const large = Buffer.concat([CLONE, Buffer.alloc(LARGE, `#${' '.repeat(15_000)}\n`), Buffer.from('\n')]);
    expect(await raw(server.url, post(large))).toContain('clone_seqno 0');
  });
});

describe('memory of a reply that serves again', () => {
  /** Sends one reply of `chunks` to a client. @returns how often it was released once the connection has ended */
  async function releases(chunks: readonly Uint8Array[], isGone: boolean): Promise<number> {
    let released = 0;
    const gone = new AbortController();
    const ended = new Promise((resolve) => gone.signal.addEventListener('abort', resolve));
    const server = createServer((_request, outgoing) => {
      outgoing.once('close', () => gone.abort());
      void writeFossilReply(outgoing, {
        type: 'application/x-fossil-uncompressed',
        chunks,
        release: () => released++,
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.once('data', () => (isGone ? socket.destroy() : socket.resume()));
    socket.once('error', () => undefined);
    await ended;
    await new Promise((resolve) => server.close(resolve));
    return released;
  }

  it('is released once, when the system has all of it', async () => {
    expect(await releases([Buffer.alloc(5_000_000), Buffer.alloc(10)], false)).toBe(1);
    expect(await releases([Buffer.alloc(10)], false)).toBe(1);
  });

  it('is not released if the client goes away, since a write may still read from it', async () => {
    expect(await releases([Buffer.alloc(50_000_000)], true)).toBe(0);
  });
});

describe('the handler for Hono (issue 14, deliverable 3)', () => {
  it('gives the same replies', async () => {
    const { host } = await repository();
    const answer = fossilFetch(host);
    const app = new Hono().all('/fossil', (c) => answer(c.req.raw));
    const request = (body: Uint8Array | string, type: string) =>
      app.request('/fossil', { method: 'POST', body: Buffer.from(body), headers: { 'content-type': type } });
    const reply = await request(await encodeMessage('application/x-fossil', CLONE), 'application/x-fossil');
    expect(reply.headers.get('content-type')).toBe('application/x-fossil-uncompressed');
    const body = Buffer.from(await reply.arrayBuffer());
    expect(reply.headers.get('content-length')).toBe(String(body.length));
    expect(body.toString('latin1')).toContain('clone_seqno 0\n');
    expect((await request('x', 'text/plain')).status).toBe(415);
    expect(await (await app.request('/fossil')).text()).toContain('fossil clone');
    const large = fossilFetch({ ...host, messageBytes: 10 });
    const refused = await large(
      new Request('http://localhost/', {
        method: 'POST',
        body: 'clone 3 1\n\n\n',
        headers: { 'content-type': 'application/x-fossil-debug' },
      }),
    );
    expect(await refused.text()).toContain('more\\sthan\\s10\\sbytes');
  });
});
