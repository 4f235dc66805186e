import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import {
  type HttpTransportSettings,
  openHttpTransport,
} from '../../../src/fossil-sync/open-http-transport.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function listening(handler: Handler) {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => handler(request, response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const answer = (response: ServerResponse, body = 'reply', type = 'application/x-fossil-debug') =>
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length }).end(body);

async function exchanged(settings: HttpTransportSettings, times = 1) {
  await using opened = openHttpTransport(settings);
  const bodies: string[] = [];
  for (let time = 0; time < times; time++) {
    const request = { type: 'application/x-fossil-debug', body: Buffer.from('request') } as const;
    const { body } = await opened.transport.exchange(request, new AbortController().signal);
    bodies.push(Buffer.from(body).toString());
  }
  return bodies;
}

it('a request is posted to the given URL with the type and length of its body, without the login of the URL', async () => {
  const seen: (string | undefined)[] = [];
  await using server = await listening((request, response) => {
    const { 'content-type': type, 'content-length': length, authorization } = request.headers;
    seen.push(request.method, request.url, type, length, authorization);
    answer(response, 'reply', 'application/x-fossil-debug; charset=utf-8');
  });
  const url = `${server.url.replace('//', '//alice:sesame@')}/deep/tool/?x=1`;
  expect(await exchanged({ url })).toEqual(['reply']);
  expect(seen).toEqual(['POST', '/deep/tool/?x=1', 'application/x-fossil-debug', '7', undefined]);
  expect(openHttpTransport({ url }).account).toEqual({ user: 'alice', password: 'sesame' });
});

it('a reply without any byte is an error, after which the same request may be sent again', async () => {
  await using server = await listening((_, response) => answer(response, ''));
  await expect(exchanged({ url: server.url })).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/^http:.* sends an empty reply$/),
  });
});

it('HTTP authentication is sent from the first request on, to the host of the URL only', async () => {
  const seen: (string | undefined)[] = [];
  await using other = await listening((request, response) => {
    seen.push(request.headers.authorization);
    answer(response);
  });
  await using server = await listening((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(307, { Location: `${other.url}/` }).end();
  });
  const settings = { url: `${server.url}/`, basic: { user: 'u', password: 'p' }, followRedirects: true };
  await exchanged(settings);
  expect(seen).toEqual([`Basic ${Buffer.from('u:p').toString('base64')}`, undefined]);
});

it.each([301, 302, 307, 308])(
  'status %i is followed with the same request, and later requests go to the new URL',
  async (status) => {
    const seen: string[] = [];
    await using server = await listening((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      if (request.url === '/new') answer(response);
      else response.writeHead(status, { Location: `http://${request.headers.host}/new` }).end();
    });
    expect(await exchanged({ url: `${server.url}/old` }, 2)).toEqual(['reply', 'reply']);
    expect(seen).toEqual(['POST /old', 'POST /new', 'POST /new']);
  },
);

it.each<[string, Handler, string, RegExp]>([
  ['303', (_, response) => void response.writeHead(303, { Location: '/' }).end(), 'corrupt', /303/],
  ['a redirect to nowhere', (_, response) => void response.writeHead(302).end(), 'corrupt', /nowhere/],
  [
    'redirects without end',
    (_, response) => void response.writeHead(302, { Location: '/again' }).end(),
    'corrupt',
    /more than 20 times/,
  ],
  [
    'a redirect to another host',
    (_, response) => void response.writeHead(302, { Location: 'http://localhost:1/' }).end(),
    'forbidden',
    /another host/,
  ],
  [
    '401',
    (_, response) => void response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end(),
    'unauthenticated',
    /401/,
  ],
  [
    'a page with 400',
    (_, response) =>
      void response
        .writeHead(400, { 'Content-Type': 'text/html' })
        .end('<html><title>Bad</title><p>wrong hash</p>'),
    'invalid',
    /answers 400 Bad Request: Bad/,
  ],
  ['500', (_, response) => void response.writeHead(500).end(), 'unavailable', /500/],
  ['429', (_, response) => void response.writeHead(429).end(), 'busy', /429/],
  [
    'a page with 200',
    (_, response) => void answer(response, '<html>', 'text/html'),
    'corrupt',
    /does not answer as a Fossil server does/,
  ],
  [
    'too many bytes',
    (_, response) => void answer(response, 'x'.repeat(2_000)),
    'too-large',
    /more than 1000 bytes/,
  ],
  [
    'a reply that breaks off',
    (_, response) => {
      response
        .writeHead(200, { 'Content-Type': 'application/x-fossil', 'Content-Length': 100 })
        .write('abc', () => response.destroy());
    },
    'unavailable',
    /broke off/,
  ],
])('%s is reported with its cause', async (_, handler, kind, message) => {
  await using server = await listening(handler);
  const failed = exchanged({ url: `${server.url}/`, maxReplyBytes: 1_000 });
  await expect(failed).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
});

it.each(['ftp://host/', 'host/path', 'file:///etc/passwd', ''])('the URL %j is refused', (url) => {
  expect(() => openHttpTransport({ url })).toThrow('not the URL of a Fossil repository');
});
