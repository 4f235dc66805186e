import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { GitEnv, HttpEnv } from '../../../src/http/http-env.ts';
import { requestListener } from '../../../src/http/request-listener.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { speak } from '../../helpers/raw-socket.ts';

const GIT = '/git/someone/x.git/info/refs';

interface Served extends AsyncDisposable {
  /** Sends a request as it is written; returns all that comes back. */
  ask(request: string): Promise<string>;
  /** What the apps and the listener did, in order. */
  readonly done: string[];
}

/** A server with two small apps: git's writes to Node's response, the other one returns hono's. */
async function serve(): Promise<Served> {
  const done: string[] = [];
  const git = new Hono<GitEnv>({ getPath: (_, options) => options?.env?.git.rest ?? '/' });
  git.get('/info/refs', (c) => {
    c.env.afterAnswer.push(() => done.push(`after ${c.env.outgoing.statusCode}`));
    c.env.outgoing.writeHead(200, { 'Content-Type': 'text/x-git', Connection: 'close' }).end('refs');
    done.push(c.env.git.space);
    return RESPONSE_ALREADY_SENT;
  });
  git.all('*', (c) => {
    c.env.outgoing.writeHead(405, { Connection: 'close' }).end(c.env.path);
    return RESPONSE_ALREADY_SENT;
  });
  const others = new Hono<HttpEnv>();
  others.use((c, next) => {
    c.env.afterAnswer.push(() => done.push(`after ${c.env.outgoing.statusCode}`));
    return next();
  });
  others.all('*', (c) => c.text(c.env.urlIsMadeUp ? 'made up' : new URL(c.req.url).href));
  const listener = requestListener({ git, others }, createLogger('silent'));
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    void listener(incoming, outgoing).then(() => done.push('resolved'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    done,
    ask: async (request) => String(await speak(connect(port, '127.0.0.1'), request)),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('git routes in hono (issue 12, point 5)', () => {
  const complaints = vi.spyOn(console, 'error');
  afterEach(() => complaints.mockClear());

  it('write to Node’s response once, also for HEAD', async () => {
    await using server = await serve();

    const got = await server.ask(`GET ${GIT} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const head = await server.ask(`HEAD ${GIT} HTTP/1.1\r\nHost: x\r\n\r\n`);

    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: text\/x-git\r\n.*\r\n\r\n.*refs/s);
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: text\/x-git\r\n/);
    expect(head).toMatch(/\r\n\r\n$/);
    const once = ['git', 'after 200', 'resolved'];
    await expect.poll(() => server.done).toEqual([...once, ...once]);
    expect(complaints).not.toHaveBeenCalled();
  });

  it.each(['Host: a b', 'Host: x:99999', 'Host: [', 'X-None: x'])(
    'ignore the Host header (%s)',
    async (header) => {
      await using server = await serve();
      const version = header.startsWith('Host') ? '1.1' : '1.0';

      const answer = await server.ask(`GET ${GIT} HTTP/${version}\r\n${header}\r\n\r\n`);

      expect(answer).toContain('200 OK');
    },
  );

  it('are matched on the raw path: escapes stay escaped, and dots and backslashes are parts of names', async () => {
    await using server = await serve();
    for (const name of ['%2F', '..', 'a\\b', '%zz']) {
      const there = await server.ask(`GET /git/someone/${name}/info/refs HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect(there).toContain('200 OK');
      const rest = `/git/someone/${name}/info%2Frefs`;
      const absent = await server.ask(`GET ${rest} HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect(absent).toContain('405 Method Not Allowed');
      expect(absent).toContain(rest);
    }
  });

  it('leave paths that git has no use for to pages, where somebody asks for one', async () => {
    await using server = await serve();
    const ask = (path: string, accept: string, method = 'GET') =>
      server.ask(`${method} ${path} HTTP/1.1\r\nHost: x\r\nAccept: ${accept}\r\nConnection: close\r\n\r\n`);
    const other = '/git/someone/x.git/releases';
    for (const accept of ['text/html,*/*;q=0.8', 'application/json'])
      expect(await ask(other, accept)).toContain('http://x/git/someone/x.git/releases');
    for (const accept of ['*/*', 'application/vnd.git-lfs+json'])
      expect(await ask(other, accept)).toContain('405');
    expect(await ask(other, 'text/html', 'POST')).toContain('405');
    expect(await ask(GIT, 'text/html')).toContain('refs');
  });

  it.each(['POST', 'DELETE', 'TRACE', 'PROPFIND'])('accept their own method only, not %s', async (method) => {
    await using server = await serve();

    expect(await server.ask(`${method} ${GIT} HTTP/1.1\r\nHost: x\r\n\r\n`)).toContain(
      '405 Method Not Allowed',
    );
  });
});

describe('other routes', () => {
  it('return a response through hono, and end after it is written', async () => {
    await using server = await serve();

    const answer = await server.ask('GET /%41/b?c HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n');

    expect(answer).toContain('http://example/%41/b?c');
    await expect.poll(() => server.done).toEqual(['after 200', 'resolved']);
  });

  it('answer an HTTP/1.0 client without Host', async () => {
    await using server = await serve();

    expect(await server.ask('GET /healthz HTTP/1.0\r\n\r\n')).toContain('http://localhost/healthz');
  });

  it.each([
    'GET / HTTP/1.1\r\nHost: a b',
    'OPTIONS * HTTP/1.1\r\nHost: x',
    'GET /a\\b HTTP/1.1\r\nHost: x',
    'TRACE * HTTP/1.1\r\nHost: x',
  ])('get an error for a request without a URL (%s)', async (head) => {
    await using server = await serve();

    expect(await server.ask(`${head}\r\nConnection: close\r\n\r\n`)).toContain('made up');
  });
});
