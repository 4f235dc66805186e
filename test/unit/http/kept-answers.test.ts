import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { type KeptAnswers, keptAnswers, type PlainRequest } from '../../../src/http/kept-answers.ts';
import { RequestLog } from '../../../src/http/request-log.ts';
import type { LeastPace } from '../../../src/lib/pace.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { Metrics } from '../../../src/observability/metrics.ts';
import { speak } from '../../helpers/raw-socket.ts';

const PACE: LeastPace = { bytesPerSecond: 1, patience: 60_000 };

let stop: () => Promise<unknown> = async () => undefined;
afterEach(() => stop());

/** A server with kept answers, and nothing behind them but a text. */
async function serve(find: KeptAnswers) {
  const asked: PlainRequest[] = [];
  const logged: string[] = [];
  const metrics = new Metrics();
  const now = () => performance.now();
  /** What was done, in order. */
  const order: string[] = [];
  const log = createLogger('info', { write: (line) => void logged.push(line) });
  const kept = keptAnswers({
    requestLog: new RequestLog({ log, metrics, random: systemRandom, now }),
    clientOptions: {
      get leastPace() {
        order.push('client');
        return PACE;
      },
      trustedProxies: 0,
      onTooSlow: () => undefined,
      now,
    },
    headers: { 'X-Everywhere': 'yes' },
    find: async (request) => {
      asked.push(request);
      order.push('find');
      return find(request).finally(() => order.push('found'));
    },
  });
  const server = createServer(async (incoming, outgoing) => {
    const afterAnswer: (() => void)[] = [];
    const env = { incoming, outgoing, path: incoming.url ?? '', git: undefined, afterAnswer };
    if (!(await kept(env))) outgoing.end('made');
    for (const call of afterAnswer) call();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const { port } = server.address() as AddressInfo;
  const ask = async (text: string) => String(await speak(connect(port, '127.0.0.1'), text));
  return { ask, asked, logged, metrics, order };
}

/** What the metrics say of requests. */
async function counted(metrics: Metrics) {
  return (await metrics.requests.get()).values.filter(({ value }) => value > 0);
}

const get = (path: string, method = 'GET', more = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: x.example:8080\r\n${more}Connection: close\r\n\r\n`;

it('a kept answer is sent as it is, with the headers of all, and counted and logged once', async () => {
  const { ask, asked, logged, metrics } = await serve(async () => ({
    status: 200,
    headers: { 'Content-Length': '4', ETag: '"a"' },
    body: Buffer.from('kept'),
  }));
  const answer = await ask(get('/a?b=1', 'GET', 'Accept: text/x\r\n'));
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  for (const header of ['X-Everywhere: yes', 'Content-Length: 4', 'ETag: "a"'])
    expect(answer).toContain(`\r\n${header}\r\n`);
  expect(answer).toMatch(/\r\n\r\nkept$/);
  expect(asked).toMatchObject([
    { url: 'http://x.example:8080/a?b=1', caller: '127.0.0.1', headers: { accept: 'text/x' } },
  ]);
  await expect.poll(() => logged.length).toBe(1);
  const [, requestId] = /X-Request-Id: ([0-9a-f]{12})/.exec(answer) ?? [];
  expect(JSON.parse(logged[0] ?? '')).toMatchObject({
    requestId,
    method: 'GET',
    path: '/a?b=1',
    status: 200,
    client: '127.0.0.1',
    msg: 'request',
  });
  expect(await counted(metrics)).toMatchObject([{ value: 1, labels: { route: 'other', status: '200' } }]);
  expect((await metrics.requestsActive.get()).values).toMatchObject([{ value: 0 }]);
});

it('the client of a request is made once its answer is found, and by the routes if there is none', async () => {
  const answer = { status: 200, headers: { 'Content-Length': '1' }, body: Buffer.from('a') };
  const { ask, order } = await serve(async ({ url }) => (url.endsWith('/kept') ? answer : undefined));
  await ask(get('/kept'));
  expect(order).toEqual(['find', 'found', 'client']);
  order.length = 0;
  // Routes are told by their middleware who asks: a second client would be watched as well.
  await ask(get('/other'));
  expect(order).toEqual(['find', 'found']);
});

it('an answer without a body is whole', async () => {
  const { ask } = await serve(async () => ({ status: 304, headers: { ETag: '"a"' }, body: null }));
  expect(await ask(get('/a'))).toMatch(/^HTTP\/1\.1 304 Not Modified\r\n[\s\S]*\r\n\r\n$/);
});

it('what is not kept, or cannot be found, is left to the routes, with no trace of the attempt', async () => {
  for (const find of [async () => undefined, () => Promise.reject(new Error('broken'))]) {
    const { ask, asked, logged, metrics } = await serve(find);
    const answer = await ask(get('/a'));
    expect(answer).toMatch(/\r\n\r\n(?:4\r\n)?made/);
    expect(answer).not.toContain('X-');
    expect(asked).toHaveLength(1);
    expect(logged).toEqual([]);
    expect(await counted(metrics)).toEqual([]);
    await stop();
  }
});

it.each([
  ['HEAD', ''],
  ['POST', 'Content-Length: 0\r\n'],
  ['OPTIONS', ''],
  ['GET', 'Content-Length: 1\r\n'],
  ['GET', 'Transfer-Encoding: chunked\r\n'],
])('%s with %j is not looked for', async (method, more) => {
  const { ask, asked } = await serve(async () => ({ status: 200, headers: {}, body: null }));
  await ask(
    get('/a', method, more) + (more.includes('1') ? 'x' : more.includes('chunked') ? '0\r\n\r\n' : ''),
  );
  expect(asked).toEqual([]);
});
