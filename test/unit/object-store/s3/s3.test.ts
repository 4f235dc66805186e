import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { readAll } from '../../../../src/lib/streams.ts';
import type { ObjectStore, PutMode } from '../../../../src/object-store/object-store.ts';
import { openS3, type S3Options } from '../../../../src/object-store/s3/s3.ts';
import { partsOf } from '../../../../src/object-store/s3/s3-multipart.ts';
import { StoreRefusedError } from '../../../../src/object-store/store-refused.ts';
import { startStubS3 } from '../../../helpers/stub-s3.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const create: PutMode = { mode: 'create' };
const replace: PutMode = { mode: 'replace', version: 'abc' };
const overwrite: PutMode = { mode: 'overwrite' };
const body = Buffer.from('body');
const credentials = { accessKeyId: 'k', secretAccessKey: 's' };

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function open(endpoint: string, options: Partial<S3Options> = {}): ObjectStore {
  const { control, bulk } = openS3({
    endpoint,
    bucket: 'b',
    credentials,
    control: { connect: 500, noProgress: 500 },
    ...options,
  });
  closers.push(async () => {
    await Promise.all([control.close(), bulk.close()]);
  });
  return control;
}

async function listen(server: ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A store over a server that answers every request with `handler`, and how many requests it got. */
async function answering(
  handler: Handler,
  options?: Partial<S3Options>,
): Promise<{ readonly store: ObjectStore; readonly requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  const port = await listen(server);
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { store: open(`http://127.0.0.1:${port}`, options), requests };
}

function replying(status: number, code: string, headers: Record<string, string> = {}): Handler {
  const document = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said so</Message></Error>`;
  return (request, response) => {
    request.resume();
    request.once('end', () => {
      response.writeHead(status, { 'content-type': 'application/xml', ...headers });
      response.end(code === '' || request.method === 'HEAD' ? undefined : document);
    });
  };
}

describe('the outcome of a conditional write', () => {
  const table: readonly (readonly [string, Handler, PutMode, object])[] = [
    ['200 with an ETag', replying(200, '', { etag: '"v1"' }), create, { outcome: 'written', version: 'v1' }],
    [
      '200 with a bare ETag',
      replying(200, '', { etag: 'v1' }),
      create,
      { outcome: 'written', version: 'v1' },
    ],
    ['200 without an ETag', replying(200, ''), create, { outcome: 'unknown' }],
    ['200 with an empty ETag', replying(200, '', { etag: '""' }), create, { outcome: 'unknown' }],
    ['200 with a weak ETag', replying(200, '', { etag: 'W/"v1"' }), create, { outcome: 'unknown' }],
    ['412 to a create', replying(412, 'PreconditionFailed'), create, { outcome: 'exists' }],
    ['412 to a replace', replying(412, 'PreconditionFailed'), replace, { outcome: 'changed' }],
    ['412 without a document', replying(412, ''), replace, { outcome: 'changed' }],
    ['412 to an overwrite', replying(412, 'PreconditionFailed'), overwrite, { outcome: 'unknown' }],
    ['409', replying(409, 'ConditionalRequestConflict'), create, { outcome: 'conflict' }],
    ['404 for the key', replying(404, 'NoSuchKey'), replace, { outcome: 'missing' }],
    ['500', replying(500, 'InternalError'), replace, { outcome: 'unknown' }],
    ['503 to slow down', replying(503, 'SlowDown'), replace, { outcome: 'unknown' }],
    ['429', replying(429, 'TooManyRequests'), replace, { outcome: 'unknown' }],
    ['400 for a slow request', replying(400, 'RequestTimeout'), replace, { outcome: 'unknown' }],
    ['a lost condition under 200', replying(200, 'PreconditionFailed'), replace, { outcome: 'changed' }],
    ['a conflict under 200', replying(200, 'ConditionalRequestConflict'), create, { outcome: 'conflict' }],
    ['an error under 200', replying(200, 'InternalError'), create, { outcome: 'unknown' }],
  ];

  it.each(table)('%s', async (_, handler, mode, outcome) => {
    const { store, requests } = await answering(handler);
    expect(await store.put('k', body, mode)).toMatchObject(outcome);
    expect(requests.length).toBe(1);
  });

  it('is unknown if the connection breaks after the request', async () => {
    const { store, requests } = await answering((request) => request.socket.destroy());
    expect(await store.put('k', body, replace)).toMatchObject({ outcome: 'unknown' });
    expect(requests.length).toBe(1);
  });

  it('is unknown if no answer comes in time', async () => {
    const { store, requests } = await answering((request) => request.resume());
    const started = performance.now();
    expect(await store.put('k', body, replace)).toMatchObject({ outcome: 'unknown' });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(requests.length).toBe(1);
  });

  it('is unknown if the caller stops waiting', async () => {
    const { store, requests } = await answering((request) => request.resume(), {
      control: { noProgress: 30_000 },
    });
    const abort = new AbortController();
    const put = store.put('k', body, replace, { signal: abort.signal });
    await expect.poll(() => requests.length).toBe(1);
    abort.abort(new Error('enough'));
    expect(await put).toMatchObject({ outcome: 'unknown', cause: { message: 'enough' } });
  });
});

describe('a write that certainly did not happen throws a reason:', () => {
  const table: readonly (readonly [string, Handler, string])[] = [
    ['wrong bucket', replying(404, 'NoSuchBucket'), 'there is no bucket "b"'],
    [
      'no right',
      replying(403, 'AccessDenied'),
      'does not accept the credentials for bucket "b" (AccessDenied)',
    ],
    ['unknown key', replying(403, 'InvalidAccessKeyId'), 'InvalidAccessKeyId'],
    ['wrong secret', replying(403, 'SignatureDoesNotMatch'), 'SignatureDoesNotMatch'],
    ['wrong clock', replying(403, 'RequestTimeTooSkewed'), 'the clock of this machine'],
    ['wrong region', replying(301, 'PermanentRedirect'), 'not in the configured region'],
    ['no conditions', replying(501, 'NotImplemented'), 'does not have what Cairn needs'],
    [
      'a page',
      (_, response) => response.writeHead(404).end('<html><link></head>'),
      'this is no answer of S3',
    ],
    ['no such request', replying(405, 'MethodNotAllowed'), '405 MethodNotAllowed'],
  ];

  it.each(table)('%s', async (_, handler, words) => {
    const { store } = await answering(handler);
    const put = store.put('k', body, create);
    await expect(put).rejects.toThrow(words);
    await expect(put).rejects.toBeInstanceOf(StoreRefusedError);
    await expect(store.get('k')).rejects.toThrow(words);
    await expect(store.delete('k')).rejects.toThrow(words);
    await expect(store.list('')[Symbol.asyncIterator]().next()).rejects.toThrow(words);
  });

  it('nobody listens', async () => {
    const server = createTcpServer();
    const port = await listen(server);
    server.close();
    await once(server, 'close');
    const put = open(`http://127.0.0.1:${port}`).put('k', body, create);
    await expect(put).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(put).rejects.toThrow(`cannot reach the object store at http://127.0.0.1:${port}`);
  });

  it('the local file is not there', async () => {
    const { store, requests } = await answering(replying(200, '', { etag: '"v"' }));
    const put = store.put('k', { path: '/nowhere/at/all', offset: 0, length: 1 }, create);
    await expect(put).rejects.toThrow('/nowhere/at/all');
    expect(requests.length).toBe(0);
  });
});

describe('a read', () => {
  it('never reads an error that says nothing about the key as a missing key', async () => {
    const page: Handler = (request, response) => {
      response.writeHead(404, { 'content-type': 'text/html' });
      response.end(request.method === 'HEAD' ? undefined : '<html><body>Not here</body></html>');
    };
    const { store } = await answering(page);
    await expect(store.get('k')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(store.head('k')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(store.put('k', body, replace)).rejects.toThrow('is it the endpoint of an object store?');
    for (const status of [500, 503]) {
      const failing = await answering(replying(status, 'InternalError'));
      await expect(failing.store.get('k')).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(failing.store.head('k')).rejects.toMatchObject({ kind: 'unavailable' });
    }
  });

  it('distinguishes a missing key from a missing bucket, also with HEAD', async () => {
    const noKey = await answering(replying(404, 'NoSuchKey'));
    expect(await noKey.store.head('k')).toEqual({ found: false });
    expect(await noKey.store.get('k')).toEqual({ found: false, reason: 'missing' });
    const noBucket = await answering(replying(404, 'NoSuchBucket'));
    await expect(noBucket.store.head('k')).rejects.toThrow('there is no bucket "b"');
  });

  it('fails if the connection breaks', async () => {
    const { store } = await answering((_, response) => {
      response.writeHead(200, { etag: '"v"', 'content-length': 100 });
      response.write('half of it');
      setTimeout(() => response.destroy(), 20);
    });
    const result = await store.get('k');
    if (!result.found) throw new Error('not found');
    await expect(readAll(result.body, 1000)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('fails if no more data comes, but waits for a slow reader', async () => {
    const size = 8 * 1024 * 1024;
    const { store } = await answering((request, response) => {
      response.writeHead(200, { etag: '"v"', 'content-length': size });
      if (request.url?.includes('stalled')) response.write('x');
      else response.end(Buffer.alloc(size));
    });
    const stalled = await store.get('stalled');
    if (!stalled.found) throw new Error('not found');
    await expect(readAll(stalled.body, size)).rejects.toMatchObject({ kind: 'unavailable' });
    const slow = await store.get('whole');
    if (!slow.found) throw new Error('not found');
    await sleep(1_500);
    expect((await readAll(slow.body, size)).length).toBe(size);
  });

  it('refuses versions that cannot distinguish bodies', async () => {
    for (const etag of ['W/"v"', '""']) {
      const { store } = await answering(replying(200, '', { etag, 'content-length': '0' }));
      await expect(store.get('k')).rejects.toThrow('cannot tell two bodies apart');
      await expect(store.head('k')).rejects.toThrow('cannot tell two bodies apart');
    }
  });

  it('refuses a store that ignores ranges', async () => {
    const { store } = await answering((_, response) => {
      response.writeHead(200, { etag: '"v"', 'content-length': 10 }).end('0123456789');
    });
    const range = { offset: 2, length: 3 };
    await expect(store.get('k', { range })).rejects.toThrow('asked for 3 bytes');
  });
});

describe('a write from a file', () => {
  it('ends if the store answers before it has read everything', async () => {
    await using folder = await tempDir();
    const path = join(folder.path, 'file');
    await writeFile(path, Buffer.alloc(20 * 1024 * 1024));
    const early = await answering((_, response) => {
      response.writeHead(412, { connection: 'close' }).end();
    });
    const outcome = await early.store.put('k', { path, offset: 0, length: 20 * 1024 * 1024 }, create);
    expect(['exists', 'unknown']).toContain(outcome.outcome);
  });

  it('is sent with its length, without chunks, checksums or a pause', async () => {
    await using folder = await tempDir();
    const path = join(folder.path, 'file');
    await writeFile(path, 'some bytes');
    const { store, requests } = await answering(replying(200, '', { etag: '"v"' }));
    await store.put('k', { path, offset: 5, length: 5 }, create);
    const headers = requests[0]?.headers ?? {};
    expect(headers['content-length']).toBe('5');
    expect(headers['transfer-encoding']).toBeUndefined();
    expect(headers.expect).toBeUndefined();
    expect(headers['if-none-match']).toBe('*');
    expect(Object.keys(headers).filter((name) => name.includes('checksum'))).toEqual([]);
  });
});

describe('a large body', () => {
  const large = Buffer.alloc(33 * 1024 * 1024, 'l');

  it('is sent in equal parts with the condition on the last request', async () => {
    await using stub = await startStubS3();
    const { bulk, control } = openS3({ ...stub.options, multipartAbove: 1024 });
    const written = await bulk.put('k', large, create);
    expect(written).toMatchObject({ outcome: 'written' });
    expect(stub.objects.get('k')?.equals(large)).toBe(true);
    expect(stub.log.filter((line) => line.includes('partNumber')).length).toBe(3);
    expect(await bulk.put('k', large, create)).toEqual({ outcome: 'exists' });
    await bulk.close();
    await control.close();
  });

  it('is sent in a single write if multipart uploads ignore conditions', async () => {
    await using stub = await startStubS3({ multipartUnconditional: true });
    const profile = { ifMatch: 'quoted', multipart: 'unconditional' } as const;
    const { bulk, control } = openS3({ ...stub.options, multipartAbove: 1024, profile });
    expect(await bulk.put('k', large, create)).toMatchObject({ outcome: 'written' });
    expect(await bulk.put('k', large, create)).toEqual({ outcome: 'exists' });
    expect(stub.log.filter((line) => line.includes('partNumber'))).toEqual([]);
    await bulk.close();
    await control.close();
  });

  it('is aborted and fails if a part is refused', async () => {
    const calls: string[] = [];
    const { store } = await answering(
      (request, response) => {
        const { method = '', url = '' } = request;
        calls.push(`${method}${url.includes('uploads') ? ' begin' : ''}`);
        request.resume();
        request.once('end', () => {
          if (method === 'HEAD') response.writeHead(404).end();
          else if (method === 'GET') response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
          else if (method === 'DELETE') response.writeHead(204).end();
          else if (url.includes('uploads')) response.end('<R><UploadId>u</UploadId></R>');
          else response.writeHead(500).end();
        });
      },
      { multipartAbove: 1024 },
    );
    await expect(store.put('k', large, create)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(calls.at(-1)).toBe('DELETE');
  });

  it('has parts of one size, at most as many as the protocol allows', () => {
    expect(partsOf(33 * 2 ** 20).map(({ length }) => length / 2 ** 20)).toEqual([16, 16, 1]);
    const huge = partsOf(400 * 2 ** 30);
    expect(huge.length).toBeLessThanOrEqual(10_000);
    expect(new Set(huge.slice(0, -1).map(({ length }) => length)).size).toBe(1);
    expect(huge.reduce((sum, { length }) => sum + length, 0)).toBe(400 * 2 ** 30);
  });
});
