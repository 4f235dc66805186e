import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Hono } from 'hono';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { GitRoutesContext } from '../../src/http/git/git-request.ts';
import { RelaySockets, type RelaySocketsContext } from '../../src/http/relay-socket.ts';
import { HttpServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { VerifiedEvent } from '../../src/nostr/event.ts';
import { loadVerifier } from '../../src/nostr/verify.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { defaultRelayLimits, type RelayLimits } from '../../src/relay/client/relay-limits.ts';
import { accept, type Publication } from '../../src/relay/publication.ts';
import { Relay } from '../../src/relay/relay.ts';
import { writeCertificate } from '../helpers/certificate.ts';
import { EventsInMemory } from '../helpers/events-in-memory.ts';
import { HTTP_LIMITS } from '../helpers/http-limits.ts';
import { NostrClient, Person } from '../helpers/nostr-client.ts';
import { closed as closedOf, speak } from '../helpers/raw-socket.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const verifier = await loadVerifier();
const log = pino({ level: 'silent' });
const alice = new Person();

interface ServerOptions {
  readonly limits?: Partial<RelayLimits>;
  readonly sockets?: Partial<RelaySocketsContext>;
  readonly publication?: Publication;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly handshakeMs?: number;
}

interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly events: EventsInMemory;
  readonly relay: Relay;
  readonly http: HttpServer;
}

const open: HttpServer[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const http of open.splice(0)) {
    http.closeAll();
    await http.close();
  }
});

/** A listening server that keeps every event it is sent, and echoes what is posted to `/echo`. */
async function serve(options: ServerOptions = {}): Promise<TestServer> {
  const events = new EventsInMemory();
  const others = new Hono();
  others.get('/', (c) => c.text('a page\n'));
  others.post('/echo', async (c) => c.text(await c.req.text()));
  const { tls } = options;
  const http = new HttpServer({
    log,
    metrics: new Metrics(),
    random: systemRandom,
    limits: HTTP_LIMITS,
    ...(tls === undefined ? {} : { tls }),
    ...(options.handshakeMs === undefined ? {} : { handshakeMs: options.handshakeMs }),
  });
  const url = await http.listen('127.0.0.1', 0);
  const keepAll: Publication = {
    publish: async (event) => {
      await events.append([event]);
      return accept();
    },
  };
  const relay = new Relay({
    events,
    publication: options.publication ?? keepAll,
    verifier,
    visible: () => true,
    hidings: () => 0,
    relayUrl: url.replace(/^http/, 'ws'),
    clock: systemClock,
    random: systemRandom,
    limits: { ...defaultRelayLimits, ...options.limits },
    log,
  });
  const sockets = new RelaySockets({
    relay,
    log,
    maxPayload: 2 * defaultRelayLimits.messageBytes,
    heartbeat: 30_000,
    trustedProxies: 0,
    ...options.sockets,
  });
  // No request to git is made in these tests.
  http.serve({ git: {} as GitRoutesContext, others, relay: sockets });
  open.push(http);
  return { url, port: Number(new URL(url).port), events, relay, http };
}

/** A client that says what it is told to, and notes how its connection ends. */
async function connectRaw(url: string) {
  const socket = new WebSocket(url.replace(/^http/, 'ws'));
  const received: string[] = [];
  socket.on('message', (data) => received.push(String(data)));
  // A connection that the server cuts may be reset; how it was closed is told all the same.
  socket.on('error', () => undefined);
  const closed = new Promise<{ readonly code: number; readonly reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await once(socket, 'open');
  return { socket, received, closed };
}

function deferred() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** The status an HTTP answer has that is not the change to WebSocket. */
function refusedWith(url: string): Promise<number> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'));
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('it was let in')));
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.on('error', reject);
  });
}

describe('the relay over WebSocket', () => {
  it('accepts events, answers queries, and sends new events', async () => {
    const { url, relay } = await serve();
    await using reader = await NostrClient.connect(url);
    await using author = await NostrClient.connect(url);
    reader.send(['REQ', 'live', { kinds: [1621] }]);
    await reader.wait(([type]) => type === 'EOSE', 0);
    const event = alice.sign(1621, [['subject', 'ümläut \u{1f600}']], 'x'.repeat(100_000));
    expect(await author.publish(event)).toEqual({ accepted: true, note: '' });
    expect((await reader.wait(([type]) => type === 'EVENT', 0))[2]).toEqual(event);
    expect(await author.query({ authors: [alice.publicKey] })).toEqual([event]);
    expect(await author.count({ kinds: [1621] })).toBe(1);
    expect(await author.authenticate(alice, url.replace(/^http/, 'ws'))).toEqual({
      accepted: true,
      note: '',
    });
    expect(relay.size).toBe(2);
  });

  it('is at / only, with or without a query string', async () => {
    const { url } = await serve();
    expect(await refusedWith(`${url}/elsewhere`)).toBe(404);
    expect(await refusedWith(`${url}/git/x/info/refs`)).toBe(404);
    await using client = await NostrClient.connect(`${url}/?from=somewhere`);
    expect(await client.query({ limit: 1 })).toEqual([]);
  });

  it('works over TLS', async () => {
    const folder = await tempDir();
    const files = await writeCertificate(folder.path);
    const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')]);
    const { url } = await serve({ tls: { cert, key } });
    await using client = await NostrClient.connect(url, { rejectUnauthorized: false });
    expect((await client.publish(alice.sign(1621, []))).accepted).toBe(true);
    const socket = connectTls({
      port: Number(new URL(url).port),
      host: '127.0.0.1',
      rejectUnauthorized: false,
    });
    const answer = await speak(
      socket,
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n',
    );
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 [\s\S]*a page/);
    await folder[Symbol.asyncDispose]();
  });

  it('closes a connection whose TLS handshake never ends (issue 11, point 9)', async () => {
    await using folder = await tempDir();
    const files = await writeCertificate(folder.path);
    const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')]);
    const { port } = await serve({ tls: { cert, key }, handshakeMs: 200 });
    const silent = connectTcp(port, '127.0.0.1');
    const trickling = connectTcp(port, '127.0.0.1');
    const ends = [closedOf(silent.resume()), closedOf(trickling.resume())];
    // A record of a handshake that would have 512 bytes, one now and then.
    trickling.write(Buffer.from([22, 3, 1, 2, 0]));
    const timer = setInterval(() => trickling.write(Buffer.from([1])), 50);
    await Promise.all(ends);
    clearInterval(timer);
  });

  it('accepts a limited number of connections per address, and further ones when some have ended (issue 11, point 9)', async () => {
    const { url, relay } = await serve({ limits: { connectionsPerAddress: 2 } });
    const first = await connectRaw(url);
    const second = await connectRaw(url);
    expect(await refusedWith(url)).toBe(503);
    first.socket.close();
    await first.closed;
    while (relay.size > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const third = await connectRaw(url);
    expect(relay.size).toBe(2);
    for (const { socket } of [second, third]) socket.terminate();
  });

  it('distinguishes addresses by a trusted proxy only', async () => {
    const { url } = await serve({ limits: { connectionsPerAddress: 1 }, sockets: { trustedProxies: 1 } });
    const from = async (forwarded: string) => {
      const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers: { 'X-Forwarded-For': forwarded } });
      const opened = await new Promise<boolean>((resolve) => {
        socket.once('open', () => resolve(true));
        socket.on('error', () => resolve(false));
      });
      return opened;
    };
    expect(await from('192.0.2.1')).toBe(true);
    expect(await from('192.0.2.2')).toBe(true);
    expect(await from('203.0.113.5, 192.0.2.1')).toBe(false);
  });
});

describe('invalid input of clients', () => {
  it('is answered if a message is slightly too long, and ends the connection if it is far too long', async () => {
    const { url } = await serve();
    const { socket, received, closed } = await connectRaw(url);
    const event = alice.sign(1621, []);
    socket.send(JSON.stringify(['EVENT', { ...event, content: 'x'.repeat(600_000) }]));
    while (received.length < 2) await once(socket, 'message');
    expect(JSON.parse(received[1] ?? '')).toEqual([
      'OK',
      event.id,
      false,
      expect.stringMatching(/^invalid: /),
    ]);
    socket.send('x'.repeat(2_000_000));
    expect((await closed).code).toBe(1009);
  });

  it('that is binary ends the connection', async () => {
    const { url } = await serve();
    const { socket, closed } = await connectRaw(url);
    socket.send(Buffer.from('["REQ","x",{}]'));
    expect(await closed).toEqual({ code: 1003, reason: 'messages are text' });
  });

  it('that is not UTF-8 ends the connection', async () => {
    const { url } = await serve();
    const { socket, closed } = await connectRaw(url);
    socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await closed).code).toBe(1007);
  });

  it('in a flood is refused, then disconnected, and not stored', async () => {
    const { url, events, relay } = await serve({
      limits: {
        perConnection: {
          messages: { perSecond: 1, burst: 10 },
          events: { perSecond: 1, burst: 10 },
        },
        refusals: { perSecond: 1, burst: 10 },
      },
    });
    const { socket, closed } = await connectRaw(url);
    const event = alice.sign(1621, []);
    for (let number = 0; number < 2_000; number++) {
      socket.send(JSON.stringify(['EVENT', { ...event, content: `${number}` }]));
    }
    expect((await closed).code).toBe(1008);
    expect(events.all).toEqual([]);
    while (relay.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});

/** A connection that has gone over to WebSocket, whose frames are made by hand. */
async function upgraded(port: number) {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await once(socket, 'data');
  socket.resume();
  return socket;
}

/** Milliseconds between the heartbeats of servers whose tests let them beat. */
const BEAT = 30_000;

/**
 * Has the heartbeats of servers that are started from now on wait for the test: a machine that stands still for a moment would take a
 * client that answers for one that does not.
 * @returns lets the server beat once
 */
function heartbeats(): () => void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  return () => vi.advanceTimersByTime(BEAT);
}

/** Waits until the server has read all that a client has said so far. */
async function caughtUp(socket: WebSocket): Promise<void> {
  const answered = once(socket, 'pong');
  socket.ping();
  await answered;
}

/** Waits for the answer to a ping with one byte. */
function untilPong(socket: Socket, byte: number): Promise<void> {
  const pong = Buffer.from([0x8a, 0x01, byte]);
  let heard: Buffer = Buffer.alloc(0);
  return new Promise((resolve) => {
    const listen = (bytes: Buffer) => {
      heard = Buffer.concat([heard, bytes]);
      if (!heard.includes(pong)) return;
      socket.off('data', listen);
      resolve();
    };
    socket.on('data', listen);
  });
}

describe('an unresponsive client', () => {
  it('that answers no pings is disconnected, and one that does stays', async () => {
    const beat = heartbeats();
    const { url, relay } = await serve({ sockets: { heartbeat: BEAT } });
    const living = await connectRaw(url);
    const dead = new WebSocket(url.replace(/^http/, 'ws'), { autoPong: false });
    dead.on('error', () => undefined);
    const closed = new Promise<number>((resolve) => dead.once('close', resolve));
    await once(dead, 'open');
    expect(relay.size).toBe(2);
    for (let beats = 0; beats < 5; beats++) {
      const pinged = once(living.socket, 'ping');
      beat();
      await pinged;
      await caughtUp(living.socket);
    }
    expect(await closed).toBe(1006);
    expect(living.socket.readyState).toBe(WebSocket.OPEN);
    expect(relay.size).toBe(1);
    living.socket.terminate();
  });

  it('that does not read gets no more data, and is disconnected (issue 11, point 9)', async () => {
    const { url, events, relay } = await serve({ sockets: { heartbeat: 500 } });
    const large = alice.sign(1621, [], 'x'.repeat(250_000));
    await events.append(
      Array.from({ length: 400 }, (_, at) => {
        return { ...large, id: at.toString(16).padStart(64, '0'), created_at: 1_000 + at } as VerifiedEvent;
      }),
    );
    const { socket, closed } = await connectRaw(url);
    socket.pause();
    const before = process.memoryUsage().rss;
    // 400 events of 250 kB three times: 300 MB of answers.
    for (const id of ['a', 'b', 'c']) socket.send(JSON.stringify(['REQ', id, {}]));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    while (relay.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    socket.resume();
    expect((await closed).code).toBe(1006);
  });

  it.each([
    ['who never ends a message', false],
    ['who sends a byte of a message now and then', true],
  ])('(%s) is disconnected, whatever pings it answers (issue 11, point 9)', async (_what, more) => {
    const { port, relay } = await serve({ sockets: { heartbeat: 150 } });
    const socket = await upgraded(port);
    const cut = closedOf(socket);
    // The first fragment of a text, masked with zeros; then pongs, which nobody has asked for.
    socket.write(Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x5b]));
    const timer = setInterval(() => {
      socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
      if (more) socket.write(Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x20]));
    }, 20);
    await cut;
    clearInterval(timer);
    await expect.poll(() => relay.size).toBe(0);
  });

  it('that answers pings and never reads is disconnected (issue 11, point 9)', async () => {
    const { port, events, relay } = await serve({ sockets: { heartbeat: 150 } });
    const large = alice.sign(1621, [], 'x'.repeat(250_000));
    await events.append(
      Array.from({ length: 100 }, (_, at) => {
        return { ...large, id: at.toString(16).padStart(64, '0'), created_at: 1_000 + at } as VerifiedEvent;
      }),
    );
    const socket = await upgraded(port);
    const question = Buffer.from(JSON.stringify(['REQ', 'a', {}]));
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | question.length, 0, 0, 0, 0]), question]));
    socket.pause();
    const timer = setInterval(() => socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0])), 20);
    await expect.poll(() => relay.size, { timeout: 20_000 }).toBe(0);
    clearInterval(timer);
    socket.destroy();
  });

  it('that only answers pings stays', async () => {
    const beat = heartbeats();
    const { port, relay } = await serve({ sockets: { heartbeat: BEAT } });
    const socket = await upgraded(port);
    for (let beats = 0; beats < 20; beats++) {
      for (let pongs = 0; pongs < 10; pongs++) {
        socket.write(Buffer.from([0x8a, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
      }
      // A ping behind them: once it is answered, the server has read them all.
      const answered = untilPong(socket, beats);
      socket.write(Buffer.from([0x89, 0x81, 0, 0, 0, 0, beats]));
      await answered;
      beat();
    }
    expect(relay.size).toBe(1);
    socket.destroy();
  });

  it('that reads slowly gets everything', async () => {
    const beat = heartbeats();
    const { url, events } = await serve({ sockets: { heartbeat: BEAT } });
    const large = alice.sign(1621, [], 'x'.repeat(250_000));
    await events.append(
      Array.from({ length: 60 }, (_, at) => {
        return { ...large, id: at.toString(16).padStart(64, '0'), created_at: 1_000 + at } as VerifiedEvent;
      }),
    );
    const { socket, received } = await connectRaw(url);
    // It answers a ping once it has read what was sent before, and the next one comes when that answer has arrived.
    let isDue = true;
    socket.on('ping', () => {
      void caughtUp(socket).then(() => {
        isDue = true;
      });
    });
    let beats = 0;
    socket.send(JSON.stringify(['REQ', 'a', {}]));
    while (received.length < 62) {
      socket.pause();
      if (received.length > 2 && isDue) {
        isDue = false;
        beats++;
        beat();
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(JSON.parse(received[61] ?? '')).toEqual(['EOSE', 'a']);
    expect(beats).toBeGreaterThan(0);
    socket.terminate();
  });
});

describe('offers of other protocols', () => {
  const head =
    'Host: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';

  it('are ignored: the request is answered normally', async () => {
    const { port } = await serve();
    const answer = await speak(connectTcp(port, '127.0.0.1'), `GET / HTTP/1.1\r\n${head}\r\n`);
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 [\s\S]*a page/);
  });

  it('are ignored with a body, in one piece or in later chunks', async () => {
    const { port } = await serve();
    const whole = `POST /echo HTTP/1.1\r\n${head}Content-Length: 5\r\n\r\nhello`;
    expect(String(await speak(connectTcp(port, '127.0.0.1'), whole))).toMatch(
      /^HTTP\/1\.1 200 [\s\S]*hello$/,
    );
    const socket = connectTcp(port, '127.0.0.1');
    const answer = speak(socket, `POST /echo HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n3\r\nhel`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write('\r\n2\r\nlo\r\n0\r\n\r\n');
    expect(String(await answer)).toMatch(/^HTTP\/1\.1 200 [\s\S]*hello/);
  });

  it('are refused for unknown forms of WebSocket', async () => {
    const { port } = await serve();
    const request =
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n';
    expect(String(await speak(connectTcp(port, '127.0.0.1'), request))).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('a stopping server', () => {
  it('answers received messages, closes its connections, and waits for no client', async () => {
    const gate = deferred();
    const begun = deferred();
    const { url, http } = await serve({
      publication: {
        publish: async () => {
          begun.resolve();
          await gate.promise;
          return accept();
        },
      },
    });
    const { socket, received, closed } = await connectRaw(url);
    const deaf = await connectRaw(url);
    deaf.socket.pause();
    const event = alice.sign(1621, []);
    socket.send(JSON.stringify(['EVENT', event]));
    await begun.promise;
    const stopped = http.close();
    gate.resolve();
    expect(await closed).toEqual({ code: 1001, reason: 'the server is stopping' });
    expect(JSON.parse(received.at(-1) ?? '')).toEqual(['OK', event.id, true, '']);
    await stopped;
    deaf.socket.terminate();
  });
});
