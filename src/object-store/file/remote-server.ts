import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CairnError } from '../../lib/errors.ts';
import { systemRandom } from '../../lib/random.ts';
import { readAll } from '../../lib/streams.ts';
import type {
  FileRange,
  GetOptions,
  ListedObject,
  ObjectBody,
  ObjectStore,
  PutMode,
} from '../object-store.ts';
import {
  decodeFile,
  decodeMode,
  ERROR_HEADER,
  encodeError,
  encodeOutcome,
  FILE_HEADER,
  FINAL_HEADER,
  LIST_PATH,
  MODE_HEADER,
  OBJECTS_PATH,
  PAGE_KEYS,
  SEND_BODY,
  SERVED_BY,
  SIZE_HEADER,
  seesFile,
  VERSION_HEADER,
  type WireFile,
  type WirePutOutcome,
} from './store-wire.ts';

/** Larger bodies go to a file first, to keep memory small. */
const MOST_BYTES_IN_MEMORY = 1024 * 1024;

/**
 * Serves an object store over an HTTP server whose socket only this user can open. It answers only the requests of
 * {@link RemoteObjectStore}.
 * @param spool a folder for large request bodies
 */
export function serveStore(server: Server, store: ObjectStore, spool: string): void {
  server.removeAllListeners('request');
  // The sender of a large body decides how long it takes. A stalled body ends with its sender.
  server.requestTimeout = 0;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader(SERVED_BY, '1');
    answer(store, spool, request, response).catch((error: unknown) => fail(request, response, error));
  });
}

async function answer(
  store: ObjectStore,
  spool: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '', 'http://store');
  if (url.pathname === LIST_PATH) return list(store, url, response);
  if (!url.pathname.startsWith(OBJECTS_PATH)) throw new CairnError('invalid', 'no such request');
  const key = decodeURIComponent(url.pathname.slice(OBJECTS_PATH.length));
  switch (request.method) {
    case 'GET':
      return get(store, key, url, request, response);
    case 'HEAD':
      return head(store, key, response);
    case 'PUT':
      return put(store, key, spool, request, response);
    case 'DELETE':
      await store.delete(key);
      response.writeHead(204).end();
      return;
    default:
      throw new CairnError('invalid', 'no such request');
  }
}

async function get(
  store: ObjectStore,
  key: string,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const offset = url.searchParams.get('offset');
  const length = url.searchParams.get('length');
  const ifNoneMatch = request.headers['if-none-match'];
  const options: GetOptions = {
    ...(offset === null || length === null
      ? {}
      : { range: { offset: Number(offset), length: Number(length) } }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  };
  const result = await store.get(key, options);
  if (!result.found) {
    response.writeHead(result.reason === 'missing' ? 404 : 304).end();
    return;
  }
  response.writeHead(200, { [VERSION_HEADER]: result.version, [SIZE_HEADER]: result.size });
  // A body that fails cuts the connection, so the reader learns that the body is incomplete.
  await pipeline(result.body, response);
}

async function head(store: ObjectStore, key: string, response: ServerResponse): Promise<void> {
  const result = await store.head(key);
  if (result.found) response.writeHead(200, { [VERSION_HEADER]: result.version, [SIZE_HEADER]: result.size });
  else response.writeHead(404);
  response.end();
}

async function put(
  store: ObjectStore,
  key: string,
  spool: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const mode = decodeMode(request.headers[MODE_HEADER], request.headers[VERSION_HEADER]);
  const file = request.headers[FILE_HEADER];
  if (typeof file === 'string') {
    request.resume();
    sendJson(response, await putFile(store, key, mode, decodeFile(file)));
    return;
  }
  const length = Number(request.headers['content-length']);
  if (!Number.isSafeInteger(length)) throw new CairnError('invalid', 'the body has no length');
  const path = join(spool, `remote-${systemRandom.hex(8)}`);
  try {
    let body: ObjectBody;
    if (length <= MOST_BYTES_IN_MEMORY) body = await readAll(request, length);
    else {
      await pipeline(request, createWriteStream(path, { flags: 'wx' }));
      body = { path, offset: 0, length, ...(request.headers[FINAL_HEADER] === '1' && { final: true }) };
    }
    sendJson(response, encodeOutcome(await store.put(key, body, mode)));
  } finally {
    await rm(path, { force: true });
  }
}

async function putFile(
  store: ObjectStore,
  key: string,
  mode: PutMode,
  file: WireFile,
): Promise<WirePutOutcome | typeof SEND_BODY> {
  if (!(await seesFile(file))) return SEND_BODY;
  const body: FileRange = { path: file.path, offset: 0, length: file.size, final: true };
  return encodeOutcome(await store.put(key, body, mode));
}

async function list(store: ObjectStore, url: URL, response: ServerResponse): Promise<void> {
  const page: ListedObject[] = [];
  const prefix = url.searchParams.get('prefix') ?? '';
  const startAfter = url.searchParams.get('after') ?? '';
  for await (const object of store.list(prefix, { startAfter })) {
    page.push(object);
    if (page.length === PAGE_KEYS) break;
  }
  sendJson(response, page);
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // The rest of the request body is not read, so the connection cannot be reused.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(500, { [ERROR_HEADER]: encodeError(error) }).end();
}
