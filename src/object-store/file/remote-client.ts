import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { CairnError, messageOf, systemCode } from '../../lib/errors.ts';
import { readAll } from '../../lib/streams.ts';
import { abortReason } from '../abort.ts';
import { checkedBody } from '../checked-body.ts';
import { openFileRange, streamFile } from '../local-body.ts';
import { checkKey, checkKeyPart, checkMode, checkRange, clipRange } from '../object-key.ts';
import {
  bodyLength,
  type FileRange,
  type GetOptions,
  type GetResult,
  type HeadResult,
  type ListedObject,
  type ListOptions,
  type ObjectBody,
  type ObjectStore,
  type PutMode,
  type PutOutcome,
} from '../object-store.ts';
import { type WatchedAgents, watchedAgents } from '../s3/watched-agent.ts';
import { isLinked } from './link-aside.ts';
import {
  decodeError,
  decodeOutcome,
  describeFile,
  ERROR_HEADER,
  encodeFile,
  FILE_HEADER,
  FINAL_HEADER,
  LIST_PATH,
  MODE_HEADER,
  OBJECTS_PATH,
  PAGE_KEYS,
  SEND_BODY,
  SERVED_BY,
  SIZE_HEADER,
  VERSION_HEADER,
  type WirePutOutcome,
} from './store-wire.ts';

const SOCKETS = 64;
const CONNECT_MS = 5_000;
/** Long, because the owner copies a large body and makes it durable before it answers. */
const NO_PROGRESS_MS = 300_000;
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: ObjectBody;
  readonly signal?: AbortSignal | undefined;
}

/** The object store of a folder that another process on this machine owns. All requests go through that process. */
export class RemoteObjectStore implements ObjectStore {
  private readonly socketPath: string;
  private readonly agents: WatchedAgents;

  /** @param socketPath the owner's socket; it must stay valid until `close` */
  constructor(socketPath: string) {
    this.socketPath = socketPath;
    this.agents = watchedAgents({ sockets: SOCKETS, connect: CONNECT_MS, noProgress: NO_PROGRESS_MS });
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    checkKey(key);
    checkRange(options.range);
    const { range, ifNoneMatch, signal } = options;
    const query = range === undefined ? '' : `?offset=${range.offset}&length=${range.length}`;
    const response = await this.ask({
      method: 'GET',
      path: objectPath(key) + query,
      headers: ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch },
      signal,
    });
    if (response.statusCode !== 200) {
      response.resume();
      return { found: false, reason: response.statusCode === 304 ? 'not-modified' : 'missing' };
    }
    const about = describe(response);
    const { length } = clipRange(about.size, range);
    return { found: true, ...about, body: checkedBody(response, { length, what: key, signal }) };
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<HeadResult> {
    checkKey(key);
    const response = await this.ask({ method: 'HEAD', path: objectPath(key), signal: options.signal });
    response.resume();
    return response.statusCode === 200 ? { found: true, ...describe(response) } : { found: false };
  }

  async put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<PutOutcome> {
    checkKey(key);
    checkMode(mode);
    options.signal?.throwIfAborted();
    const headers = {
      [MODE_HEADER]: mode.mode,
      ...(mode.mode === 'replace' ? { [VERSION_HEADER]: mode.version } : {}),
    };
    const exchange = { method: 'PUT', path: objectPath(key), signal: options.signal };
    try {
      if (isLinked(body)) {
        const named = await this.putFile({ ...exchange, headers }, body);
        if (named.outcome !== 'send') return decodeOutcome(named);
      }
      const final = !(body instanceof Uint8Array) && body.final === true;
      const about = { 'content-length': bodyLength(body), ...(final && { [FINAL_HEADER]: '1' }) };
      const response = await this.send({ ...exchange, headers: { ...headers, ...about }, body });
      return decodeOutcome((await readJson(response)) as WirePutOutcome);
    } catch (error) {
      // The owner refused, the local file is bad, or no process listens: certainly not written. Everything else is
      // doubtful.
      if (error instanceof CairnError) throw error;
      if (isNobodyThere(error)) throw notReached(error);
      return { outcome: 'unknown', cause: error };
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    checkKeyPart(prefix);
    let after = options.startAfter ?? '';
    checkKeyPart(after);
    for (;;) {
      const query = new URLSearchParams({ prefix, after });
      const response = await this.ask({
        method: 'GET',
        path: `${LIST_PATH}?${query}`,
        signal: options.signal,
      });
      const page = (await readJson(response).catch((error: unknown) => {
        throw notReached(error);
      })) as readonly ListedObject[];
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_KEYS) return;
      after = last.key;
    }
  }

  async delete(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkKey(key);
    const response = await this.ask({ method: 'DELETE', path: objectPath(key), signal: options.signal });
    response.resume();
  }

  async close(): Promise<void> {
    this.agents.http.destroy();
  }

  /** Names the file to the owner, who need not be sent its bytes if it sees the same file. */
  private async putFile(exchange: Exchange, body: FileRange): Promise<WirePutOutcome | typeof SEND_BODY> {
    const file = await openFileRange(body);
    await file.close();
    const described = await describeFile(body.path);
    if (described.size !== body.length) return SEND_BODY;
    const headers = { ...exchange.headers, 'content-length': 0, [FILE_HEADER]: encodeFile(described) };
    return (await readJson(await this.send({ ...exchange, headers }))) as WirePutOutcome | typeof SEND_BODY;
  }

  /** A request without doubtful outcomes: failures are thrown, as `unavailable` or as the signal's reason. */
  private async ask(exchange: Exchange): Promise<IncomingMessage> {
    exchange.signal?.throwIfAborted();
    try {
      return await this.send(exchange);
    } catch (error) {
      if (exchange.signal?.aborted) throw exchange.signal.reason;
      throw error instanceof CairnError ? error : notReached(error);
    }
  }

  /** @throws CairnError when the owner or the local file refused; any other error when there was no answer */
  private async send(exchange: Exchange): Promise<IncomingMessage> {
    const { body, signal } = exchange;
    const file = body === undefined || body instanceof Uint8Array ? undefined : await openFileRange(body);
    try {
      const response = await this.exchange(exchange, async (request) => {
        if (body === undefined || body instanceof Uint8Array) request.end(body);
        else if (file === undefined || body.length === 0) request.end();
        else {
          await pipeline(streamFile(file, body.offset, body.length), request);
        }
      });
      if (response.headers[SERVED_BY] === undefined) {
        response.destroy();
        throw new CairnError('unavailable', 'the process that owns the store is still starting, try again');
      }
      const refusal = response.headers[ERROR_HEADER];
      if (typeof refusal === 'string') {
        response.resume();
        throw decodeError(refusal);
      }
      return response;
    } catch (error) {
      throw signal?.aborted === true && !(error instanceof CairnError) ? abortReason(signal) : error;
    } finally {
      await file?.close();
    }
  }

  private async exchange(
    exchange: Exchange,
    sendBody: (request: ReturnType<typeof httpRequest>) => Promise<void>,
  ): Promise<IncomingMessage> {
    const { method, path, headers, signal } = exchange;
    // It may have been aborted while the file of the body was opened, and does not tell that again.
    signal?.throwIfAborted();
    this.agents.dropIdle();
    const options: RequestOptions = { socketPath: this.socketPath, agent: this.agents.http, method, path };
    const request = httpRequest({ ...options, headers: { ...headers } });
    // A connection that breaks after the answer also emits an error on the request, which has no listener any more.
    request.on('error', () => undefined);
    const abort = () => request.destroy(signal === undefined ? undefined : abortReason(signal));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const [[response]] = await Promise.all([once(request, 'response'), sendBody(request)]);
      return response;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}

function objectPath(key: string): string {
  return OBJECTS_PATH + encodeURIComponent(key);
}

function describe(response: IncomingMessage): { readonly version: string; readonly size: number } {
  return { version: String(response.headers[VERSION_HEADER]), size: Number(response.headers[SIZE_HEADER]) };
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  return JSON.parse((await readAll(response, MOST_ANSWER_BYTES)).toString());
}

function isNobodyThere(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ECONNREFUSED' || code === 'ENOENT';
}

function notReached(error: unknown): CairnError {
  return new CairnError(
    'unavailable',
    `the process that owns the store does not answer: ${messageOf(error)}`,
    {
      cause: error,
    },
  );
}
