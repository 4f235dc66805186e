import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Connection, Session } from '../../src/mirror/remote/connection.ts';
import { openGitSource } from '../../src/mirror/remote/git-source.ts';
import { type ConnectionOptions, openConnection } from '../../src/mirror/remote/open-connection.ts';
import type { PacketStream } from '../../src/mirror/remote/packet-stream.ts';
import { parseRemoteAddress } from '../../src/mirror/remote/remote-address.ts';
import { AddressGuard } from '../../src/outbound/address-guard.ts';
import { RemoteError } from '../../src/outbound/remote-error.ts';
import {
  advertiseNothing,
  type ScriptedServer,
  startRawServer,
  startScriptedServer,
} from '../helpers/scripted-http-server.ts';

const { signal } = new AbortController();
const PIECE = Buffer.alloc(64 * 1024, 'x');
/** More than is collected before a request begins. */
const LONG = Array.from({ length: 20 }, () => PIECE);

/** A body without an end, which notes whether it was closed. */
function endless() {
  const body = { pieces: 0, closed: 0 };
  const iterator: AsyncIterator<Buffer> = {
    next: async () => {
      body.pieces += 1;
      await new Promise((resolve) => setImmediate(resolve));
      return { done: false, value: PIECE };
    },
    return: async () => {
      body.closed += 1;
      return { done: true, value: undefined };
    },
  };
  return Object.assign(body, { [Symbol.asyncIterator]: () => iterator });
}

/** A server that advertises as it should, and answers POSTs by a script. */
async function pushTarget(script: Parameters<typeof startScriptedServer>[0]): Promise<ScriptedServer> {
  const server = await startScriptedServer((request, response) => {
    if (request.method === 'GET') advertiseNothing(response, 'git-receive-pack');
    else return script(request, response);
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

function connect(url: string, options: ConnectionOptions = {}): Connection {
  const connection = openConnection(parseRemoteAddress(`${url}/repository`), options);
  onTestFinished(() => connection[Symbol.asyncDispose]());
  return connection;
}

async function openPush(url: string, options: ConnectionOptions = {}): Promise<Session> {
  const session = await connect(url, options).open('git-receive-pack', { version: 0, signal });
  onTestFinished(() => session[Symbol.asyncDispose]());
  for (let packet = await session.advertisement.next(); packet?.kind === 'data'; ) {
    packet = await session.advertisement.next();
  }
  return session;
}

async function failure(promise: Promise<unknown>): Promise<RemoteError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RemoteError);
  return error as RemoteError;
}

async function readAll(stream: PacketStream): Promise<number> {
  let packets = 0;
  while ((await stream.next()) !== undefined) packets += 1;
  return packets;
}

describe('a push that is refused while its body is sent', () => {
  it.each([
    ['the connection stays open', false],
    ['the connection is closed at once', true],
  ])('shows the refusal, and stops reading the body: %s', async (_, closes) => {
    const server = await pushTarget((request, response) => {
      request.once('data', () => {
        response.writeHead(413, { 'Content-Type': 'text/plain', 'X-Request-Id': 'abc', Connection: 'close' });
        response.end('body exceeded size limit 1048576\u001b[31m');
        if (closes) response.once('finish', () => request.socket.destroy());
      });
    });
    for (let round = 0; round < 10; round++) {
      const session = await openPush(server.url);
      const body = endless();
      const error = await failure(session.request(body, { last: true, signal }));
      expect(error).toMatchObject({
        kind: 'too-large',
        facts: { status: 413, bodyLimit: 1_048_576, sent: expect.any(Number) },
      });
      expect(error.message).toContain('x-request-id: abc');
      expect(error.message).not.toContain('\u001b');
      await expect.poll(() => body.closed).toBe(1);
      const { pieces } = body;
      await sleep(20);
      expect(body.pieces).toBe(pieces);
    }
  });

  it.each([
    [401, { kind: 'unauthenticated' }],
    [403, { kind: 'forbidden' }],
    [408, { kind: 'unavailable', facts: { brokenOff: true } }],
    [429, { kind: 'busy' }],
    [500, { kind: 'unavailable' }],
    [503, { kind: 'busy' }],
    [504, { kind: 'unavailable', facts: { brokenOff: true } }],
  ])('has status %i', async (status, expected) => {
    const server = await pushTarget((_request, response) => {
      response.writeHead(status).end();
    });
    const session = await openPush(server.url);
    const body = endless();
    const error = await failure(session.request(body, { last: true, signal }));
    expect(error).toMatchObject({
      ...expected,
      facts: { status, ...('facts' in expected ? expected.facts : {}) },
    });
    await expect.poll(() => body.closed).toBe(1);
  });

  it('does not wait for a text of the refusal that does not come', async () => {
    const server = await pushTarget((request, response) => {
      request.once('data', () => {
        response.writeHead(413, { 'Content-Type': 'text/plain', 'Content-Length': '1000' });
        response.write('the limit is 5000000 bytes');
      });
    });
    const session = await openPush(server.url);
    const error = await failure(session.request(endless(), { last: true, signal }));
    expect(error).toMatchObject({ kind: 'too-large', facts: { bodyLimit: 5_000_000 } });
  });

  it('does not wait for a body that has stopped', async () => {
    const server = await pushTarget((request, response) => {
      request.once('data', () => response.writeHead(413).end());
    });
    const session = await openPush(server.url);
    const stuck = async function* () {
      yield* LONG;
      await new Promise(() => undefined);
      yield PIECE;
    };
    expect(await failure(session.request(stuck(), { last: true, signal }))).toMatchObject({
      kind: 'too-large',
    });
  });
});

describe('a connection that breaks', () => {
  it('in the middle of the body is reported with the number of sent bytes', async () => {
    const server = await pushTarget((request) => {
      request.once('data', () => request.socket.destroy());
    });
    const session = await openPush(server.url);
    const body = endless();
    const error = await failure(session.request(body, { last: true, signal }));
    expect(error).toMatchObject({ kind: 'unavailable', facts: { brokenOff: true } });
    expect(error.facts.sent).toBeGreaterThan(0);
    await expect.poll(() => body.closed).toBe(1);
  });

  it('after the report has begun is reported after the received part was read', async () => {
    const server = await pushTarget(async (request, response) => {
      for await (const _ of request);
      response.writeHead(200, { 'Content-Type': 'application/x-git-receive-pack-result' });
      response.write('000eunpack ok\n');
      setTimeout(() => response.destroy(), 50);
    });
    const session = await openPush(server.url);
    const answer = await session.request(Buffer.from('0000'), { last: true, signal });
    expect((await answer.next())?.kind).toBe('data');
    expect(await failure(answer.next())).toMatchObject({ kind: 'unavailable', facts: { brokenOff: true } });
  });

  it('before the report is reported with the whole body as sent', async () => {
    const server = await pushTarget(async (request) => {
      for await (const _ of request);
      request.socket.destroy();
    });
    const session = await openPush(server.url);
    const body = async function* () {
      yield* LONG;
    };
    const error = await failure(session.request(body(), { last: true, signal }));
    expect(error.facts).toEqual({ brokenOff: true, sent: LONG.length * PIECE.length });
  });

  it('because the body fails is reported with the error of the body', async () => {
    const server = await pushTarget((request) => void request.resume());
    const session = await openPush(server.url);
    const body = async function* () {
      yield* LONG;
      throw new Error('the source failed');
    };
    await expect(session.request(body(), { last: true, signal })).rejects.toThrow('the source failed');
  });

  it('because the body fails after the answer has begun is reported with the error of the body', async () => {
    const server = await pushTarget((request, response) => {
      request.resume();
      response.writeHead(200, { 'Content-Type': 'application/x-git-receive-pack-result' });
      response.flushHeaders();
    });
    const session = await openPush(server.url);
    const { promise, resolve } = withResolvers();
    const body = async function* () {
      yield* LONG;
      await promise;
      throw new Error('the source failed');
    };
    const answer = await session.request(body(), { last: true, signal });
    resolve();
    await expect(answer.next()).rejects.toThrow('the source failed');
  });

  it('because nothing listens is reported', async () => {
    // No port that is free now: somebody else may be given it meanwhile.
    const nobody = connect('http://127.0.0.1:1');
    const error = await failure(nobody.open('git-upload-pack', { version: 2, signal }));
    expect(error).toMatchObject({ kind: 'unavailable', facts: {} });
    expect(error.message).toContain('cannot be reached');
  });

  it('because the caller aborts the request for the advertisement is reported with the reason', async () => {
    const server = await startScriptedServer(() => undefined);
    onTestFinished(() => server[Symbol.asyncDispose]());
    const abort = new AbortController();
    const opening = connect(server.url).open('git-upload-pack', { version: 2, signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 20);
    await expect(opening).rejects.toThrow('enough');
    const late = connect(server.url).open('git-upload-pack', { version: 2, signal: abort.signal });
    await expect(late).rejects.toThrow('enough');
  });

  it('because the caller aborts is reported with the reason, and the body is closed', async () => {
    const server = await pushTarget((request) => void request.resume());
    const session = await openPush(server.url);
    const abort = new AbortController();
    const body = endless();
    const request = session.request(body, { last: true, signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 50);
    await expect(request).rejects.toThrow('enough');
    await expect.poll(() => body.closed).toBe(1);
  });
});

function withResolvers() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe('waiting for a server', () => {
  it('ends if the server sends nothing for long', async () => {
    const server = await startScriptedServer(() => undefined);
    onTestFinished(() => server[Symbol.asyncDispose]());
    const connection = connect(server.url, { waitingTimes: { advertisement: 100 } });
    const error = await failure(connection.open('git-upload-pack', { version: 2, signal }));
    expect(error.message).toContain('nothing has moved for 0.1 s');
  });

  it('ends if the server reads nothing for long', async () => {
    const server = await pushTarget((request) => void request.pause());
    const session = await openPush(server.url, { waitingTimes: { silence: 300 } });
    const body = endless();
    expect(await failure(session.request(body, { last: true, signal }))).toMatchObject({
      facts: { brokenOff: true },
    });
    await expect.poll(() => body.closed).toBe(1);
  });

  it('does not end while the body itself is slow', async () => {
    const server = await pushTarget(async (request, response) => {
      for await (const _ of request);
      response.writeHead(200, { 'Content-Type': 'application/x-git-receive-pack-result' }).end('0000');
    });
    const session = await openPush(server.url, { waitingTimes: { silence: 300 } });
    const body = async function* () {
      yield* LONG;
      await sleep(1_000);
      yield PIECE;
    };
    const answer = await session.request(body(), { last: true, signal });
    expect(await readAll(answer)).toBe(1);
  });

  it('does not end while the reader of the answer is slow, or bytes arrive', async () => {
    const server = await pushTarget(async (request, response) => {
      for await (const _ of request);
      response.writeHead(200, { 'Content-Type': 'application/x-git-receive-pack-result' });
      for (let packet = 0; packet < 10; packet++) {
        response.write('0006\u0002.');
        await sleep(100);
      }
      response.end('0000');
    });
    const session = await openPush(server.url, { waitingTimes: { silence: 700 } });
    const answer = await session.request(Buffer.from('0000'), { last: true, signal });
    await sleep(1_500);
    expect(await readAll(answer)).toBe(11);
  });

  it('ends if there is no TLS handshake for long', async () => {
    const server = await startRawServer(() => undefined);
    onTestFinished(() => server[Symbol.asyncDispose]());
    const connection = connect(server.url.replace('http:', 'https:'), { waitingTimes: { connect: 100 } });
    const error = await failure(connection.open('git-upload-pack', { version: 2, signal }));
    expect(error.message).toContain('no connection within 0.1 s');
    expect(error.facts).toEqual({});
  });
});

describe('malformed answers', () => {
  const type = 'application/x-git-upload-pack-advertisement';
  it.each([
    ['no content type', {}, '0000'],
    ['a page', { 'Content-Type': 'text/html' }, '<html>'],
    ['another service', { 'Content-Type': 'application/x-git-receive-pack-advertisement' }, '0000'],
    ['the right type over a page', { 'Content-Type': type }, '<html><body>'],
    ['no service', { 'Content-Type': type }, '0000'],
    ['the wrong service', { 'Content-Type': type }, '001f# service=git-receive-pack\n0000'],
    ['an empty body', { 'Content-Type': type }, ''],
    ['half a packet', { 'Content-Type': type }, '001e# serv'],
    [
      'a compressed body',
      { 'Content-Type': type, 'Content-Encoding': 'gzip' },
      gzipSync(Buffer.alloc(10_000_000)),
    ],
  ])('are corrupt: %s', async (_, headers, body) => {
    const server = await startScriptedServer((_request, response) => {
      response.writeHead(200, headers).end(body);
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const opening = connect(server.url).open('git-upload-pack', { version: 2, signal });
    await expect(opening).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('do not include parameters of the content type, and a missing service header in version 2', async () => {
    const server = await startScriptedServer((_request, response) => {
      response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8` }).end('000eversion 2\n0000');
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    await using session = await connect(server.url).open('git-upload-pack', { version: 2, signal });
    expect(await readAll(session.advertisement)).toBe(2);
  });

  it('that advertise without end are aborted after 64 MiB', async () => {
    let written = 0;
    const server = await startScriptedServer(async (_request, response) => {
      response.writeHead(200, { 'Content-Type': type });
      response.write('001e# service=git-upload-pack\n0000');
      const packet = Buffer.concat([Buffer.from('fff0'), Buffer.alloc(65_516, 'x')]);
      const packets = function* () {
        for (;;) {
          written += packet.length;
          yield packet;
        }
      };
      Readable.from(packets()).pipe(response);
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    await using session = await connect(server.url).open('git-upload-pack', { version: 0, signal });
    await expect(readAll(session.advertisement)).rejects.toMatchObject({ kind: 'too-large' });
    expect(written).toBeLessThan(100 * 2 ** 20);
  });

  it('that say much without end before a pack are aborted after 64 MiB', async () => {
    const packetOf = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
    const server = await startScriptedServer((request, response) => {
      request.resume();
      response.writeHead(200, {
        'Content-Type': request.method === 'GET' ? type : 'application/x-git-upload-pack-result',
      });
      if (request.method === 'GET') {
        response.end('000eversion 2\n000cls-refs\n000afetch\n0000');
        return;
      }
      request.once('end', () => undefined);
      const endless = function* () {
        yield packetOf('acknowledgments\n');
        for (;;) yield packetOf(`ACK ${'a'.repeat(60_000)}\n`);
      };
      if (posts++ === 0) response.end(`${packetOf(`${'a'.repeat(40)} refs/heads/main\n`)}0000`);
      else Readable.from(endless()).pipe(response);
    });
    let posts = 0;
    onTestFinished(() => server[Symbol.asyncDispose]());
    const options = { protocol: 'auto', agent: 'cairn/test', prefixes: [], signal } as const;
    await using source = await openGitSource(connect(server.url), options);
    const request = { wants: ['a'.repeat(40)], haves: [], progress: true, includeTag: false };
    await expect(source.fetch(request, { signal })).rejects.toMatchObject({ kind: 'too-large' });
  });

  it('that list refs without end (protocol version 2) are aborted after 64 MiB', async () => {
    const server = await startScriptedServer((request, response) => {
      request.resume();
      if (request.method === 'GET') {
        response.writeHead(200, { 'Content-Type': type });
        response.end('000eversion 2\n000cls-refs\n000afetch\n0000');
        return;
      }
      response.writeHead(200, { 'Content-Type': 'application/x-git-upload-pack-result' });
      // A name that is not usable is kept in a short form.
      const line = `${'a'.repeat(40)} refs/heads/${'x'.repeat(60_000)}..\n`;
      const packet = Buffer.from(`${(line.length + 4).toString(16).padStart(4, '0')}${line}`);
      const packets = function* () {
        for (;;) yield packet;
      };
      Readable.from(packets()).pipe(response);
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const options = { protocol: 'auto', agent: 'cairn/test', prefixes: [], signal } as const;
    await expect(openGitSource(connect(server.url), options)).rejects.toMatchObject({ kind: 'too-large' });
  });

  it('that are endless error pages are read for 64 KiB', async () => {
    const server = await pushTarget((_request, response) => {
      response.on('error', () => undefined);
      response.writeHead(500, { 'Content-Type': 'text/plain' });
      const more = () => {
        if (response.destroyed) return;
        response.write(PIECE);
        setImmediate(more);
      };
      more();
    });
    const session = await openPush(server.url);
    const error = await failure(session.request(Buffer.from('0000'), { last: true, signal }));
    expect(error.message.length).toBeLessThan(1_000);
  });
});

describe('bytes that are not HTTP, or end early', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n';
  it.each([
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n', 'corrupt'],
    ['headers without an end', `${head}X: ${'x'.repeat(200_000)}`, 'corrupt'],
    ['nothing', '', 'unavailable'],
    ['half of the headers', head, 'unavailable'],
    [
      'less than was announced',
      `${head}Content-Length: 100\r\n\r\n001e# service=git-upload-pack\n0000`,
      'unavailable',
    ],
    [
      'chunks without an end',
      `${head}Transfer-Encoding: chunked\r\n\r\n22\r\n001e# service=git-upload-pack\n0000\r\n`,
      'unavailable',
    ],
    ['chunks that are none', `${head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`, 'corrupt'],
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      'unavailable',
    ],
  ])('%s', async (_, bytes, kind) => {
    const server = await startRawServer((socket) => {
      socket.once('data', () => socket.end(bytes));
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const reading = connect(server.url)
      .open('git-upload-pack', { version: 2, signal })
      .then((session) => readAll(session.advertisement));
    await expect(reading).rejects.toMatchObject({ kind });
  });

  it('are not confused with a server that writes byte by byte', async () => {
    const body = '001e# service=git-upload-pack\n0000000eversion 2\n0000';
    const bytes = Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    const server = await startRawServer((socket) => {
      socket.setNoDelay(true);
      socket.once('data', async () => {
        for (const byte of bytes) {
          socket.write(Buffer.of(byte));
          await new Promise((resolve) => setImmediate(resolve));
        }
        socket.end();
      });
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    await using session = await connect(server.url).open('git-upload-pack', { version: 2, signal });
    expect(await readAll(session.advertisement)).toBe(2);
  });
});

describe('the size of a body', () => {
  it('is announced up to a mebibyte, as by git; above, the body is chunked', async () => {
    const lengths: (string | undefined)[] = [];
    const server = await pushTarget(async (request, response) => {
      lengths.push(request.headers['content-length'] ?? request.headers['transfer-encoding']);
      for await (const _ of request);
      response.writeHead(200, { 'Content-Type': 'application/x-git-receive-pack-result' }).end('0000');
    });
    const session = await openPush(server.url);
    for (const pieces of [0, 16, 17]) {
      const body = async function* () {
        yield* LONG.slice(0, pieces);
      };
      await readAll(await session.request(body(), { last: true, signal }));
    }
    expect(lengths).toEqual(['0', '1048576', 'chunked']);
  });

  it('is not needed: a long body is sent before its end is known', async () => {
    const arrived = withResolvers();
    const server = await pushTarget(async (request, response) => {
      request.once('data', () => arrived.resolve());
      for await (const _ of request);
      response.writeHead(200, { 'Content-Type': 'application/x-git-receive-pack-result' }).end('0000');
    });
    const session = await openPush(server.url);
    const body = async function* () {
      yield* LONG;
      await arrived.promise;
      yield PIECE;
    };
    expect(await readAll(await session.request(body(), { last: true, signal }))).toBe(1);
  });

  it('is not announced if the body is aborted while it is collected; the body is closed, and nothing is sent', async () => {
    const server = await pushTarget((_request, response) => void response.end());
    const session = await openPush(server.url);
    const abort = new AbortController();
    let closed = 0;
    const iterator: AsyncIterator<Buffer> = {
      next: () => new Promise(() => undefined),
      return: async () => {
        closed += 1;
        return { done: true, value: undefined };
      },
    };
    const body = { [Symbol.asyncIterator]: () => iterator };
    const asking = session.request(body, { last: true, signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
    expect(closed).toBe(1);
    expect(server.requests.length).toBe(1);
  });
});

describe('idle connections', () => {
  /** More than once, because a machine that stands still for two seconds makes any connection old. */
  const ATTEMPTS = 10;
  const list = async (connection: Connection) => {
    await using session = await connection.open('git-receive-pack', { version: 0, signal });
    await readAll(session.advertisement);
    await sleep(1);
  };

  it('are used for successive requests; after a pause there is a new one', async () => {
    const server = await startScriptedServer((_request, response) =>
      advertiseNothing(response, 'git-receive-pack'),
    );
    onTestFinished(() => server[Symbol.asyncDispose]());
    let now = 0;
    const clock = { now: () => now, monotonic: () => now, sleep: async () => undefined };
    const connection = connect(server.url, { clock });
    let shared = false;
    for (let attempt = 0; attempt < ATTEMPTS && !shared; attempt++) {
      const before = server.connections();
      now += 2_001;
      await list(connection);
      // Never an old one.
      expect(server.connections()).toBe(before + 1);
      await list(connection);
      shared = server.connections() === before + 1;
    }
    expect(shared).toBe(true);
  });

  it('that were closed when they were used again are replaced', async () => {
    const used = new WeakSet<object>();
    let cut = 0;
    const server = await startScriptedServer((request, response) => {
      if (used.has(request.socket)) {
        cut += 1;
        request.socket.destroy();
        return;
      }
      used.add(request.socket);
      advertiseNothing(response, 'git-receive-pack');
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const connection = connect(server.url);
    for (let attempt = 0; attempt < ATTEMPTS && cut === 0; attempt++) await list(connection);
    expect(cut).toBe(1);
  });

  it('are used when a request is repeated with credentials', async () => {
    const server = await startScriptedServer((request, response) => {
      if (request.headers.authorization !== undefined) advertiseNothing(response, 'git-receive-pack');
      else response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end('who are you?');
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const helper = {
      fill: async () => ({ description: [], userName: 'me', secret: 's3cret' }),
      approve: async () => undefined,
      reject: async () => undefined,
    };
    let shared = false;
    for (let attempt = 0; attempt < ATTEMPTS && !shared; attempt++) {
      const before = server.connections();
      await list(connect(server.url, { helper }));
      shared = server.connections() === before + 1;
    }
    expect(shared).toBe(true);
  });

  it('are never used by a push', async () => {
    const server = await pushTarget(async (request, response) => {
      for await (const _ of request);
      response.writeHead(200, { 'Content-Type': 'application/x-git-receive-pack-result' }).end('0000');
    });
    const session = await openPush(server.url);
    await sleep(20);
    const body = async function* () {
      yield* LONG;
    };
    await readAll(await session.request(body(), { last: true, signal }));
    expect(server.connections()).toBe(2);
  });
});

describe('an address guard', () => {
  it('refuses addresses that are not public, also behind names, before anything is sent', async () => {
    const server = await startScriptedServer((_request, response) => void response.end());
    onTestFinished(() => server[Symbol.asyncDispose]());
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    const guard = new AddressGuard({ resolve });
    for (const url of [
      server.url,
      `http://internal.example:${server.port}`,
      `http://0x7f.1:${server.port}`,
    ]) {
      const opening = connect(url, { guard }).open('git-upload-pack', { version: 2, signal });
      await expect(opening).rejects.toMatchObject({ kind: 'forbidden' });
    }
    expect(server.connections()).toBe(0);
  });

  it('connects to the checked address, even if the name has another one the next time', async () => {
    const server = await startScriptedServer((_request, response) =>
      advertiseNothing(response, 'git-upload-pack'),
    );
    onTestFinished(() => server[Symbol.asyncDispose]());
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      return [{ address: asked === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }];
    };
    const guard = new AddressGuard({ resolve, allowed: ['127.0.0.0/8'] });
    await using session = await connect(`http://example.test:${server.port}`, { guard }).open(
      'git-upload-pack',
      {
        version: 0,
        signal,
      },
    );
    expect(await readAll(session.advertisement)).toBe(2);
    expect(asked).toBe(1);
  });

  it('is asked again at each redirect', async () => {
    const inner = await startScriptedServer((_request, response) => void response.end());
    onTestFinished(() => inner[Symbol.asyncDispose]());
    const server = await startScriptedServer((request, response) => {
      response.writeHead(302, { Location: `http://internal.example:${inner.port}${request.url}` }).end();
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    const resolve = async (host: string) => [
      { address: host === 'outer.example' ? '127.0.0.1' : '127.0.0.2', family: 4 },
    ];
    const guard = new AddressGuard({ resolve, allowed: ['127.0.0.1'] });
    const connection = connect(`http://outer.example:${server.port}`, { guard, followRedirects: true });
    const opening = connection.open('git-upload-pack', { version: 2, signal });
    await expect(opening).rejects.toMatchObject({ kind: 'forbidden' });
    expect(inner.connections()).toBe(0);
  });
});

describe('a server that sends interim answers', () => {
  /** Sends some of them, and then an advertisement. */
  async function interim(count: number): Promise<string> {
    const server = await startScriptedServer(async (_request, response) => {
      for (let sent = 0; sent < count && !response.destroyed; sent++) {
        response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
        if (sent % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      advertiseNothing(response, 'git-receive-pack');
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
    return server.url;
  }

  it('is waited for while there are few', async () => {
    const session = await openPush(await interim(20));
    expect(session.stateless).toBe(true);
  });

  it('is given up when they do not end', async () => {
    const opening = connect(await interim(100_000)).open('git-receive-pack', { version: 0, signal });
    const error = await failure(opening);
    expect(error.kind).toBe('corrupt');
    expect(error.message).toContain('more than 100 interim answers (status 1xx)');
  });
});
