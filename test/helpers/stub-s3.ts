/**
 * A small S3 in memory with the quirks that real stores have, for what Cloudflare's simulator does too well.
 * Knows the operations Cairn uses, path style, and believes every signature.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { S3Options } from '../../src/object-store/s3/s3.ts';

export interface S3Quirks {
  /** Ceph: `If-Match` of a PUT is compared with the bare ETag. */
  readonly ifMatchUnquoted?: boolean;
  /** A poor server: no `If-Match` ever matches. */
  readonly neverMatches?: boolean;
  /** An old server: it does not have multipart uploads. */
  readonly refusesMultipart?: boolean;
  /** Ceph: a replace of a missing key is 412 instead of 404. */
  readonly missingIsPrecondition?: boolean;
  /** Ceph: CompleteMultipartUpload ignores conditions and answers an empty ETag. */
  readonly multipartUnconditional?: boolean;
  /** Ceph: whoever loses a race of replaces hears 500. Losers are those whose request arrives while another is under way. */
  readonly losersGet500?: boolean;
  /** AWS: whoever loses a race of creates hears 409. */
  readonly losersGet409?: boolean;
  /** A poor server: the first request whose method and URL match is its last, and no connection is answered any more. */
  readonly endsAt?: RegExp;
  /** Every write from this one on is answered 503, `SlowDown`. */
  readonly throttlesAfter?: number;
  /** These writes, counted from 1, are answered so. */
  readonly throttles?: readonly number[];
  /** Every request is answered with this status and code. */
  readonly refusesAll?: readonly [number, string];
  /** s3rver: conditions are ignored. */
  readonly ignoreConditions?: boolean;
  /** versitygw: milliseconds between the look at the condition and the write, so that several racers may pass. */
  readonly gapBeforeWrite?: number;
  /** Milliseconds every request takes. */
  readonly latency?: number;
}

export interface StubS3 extends AsyncDisposable {
  readonly options: S3Options;
  /** Method and key of every request. */
  readonly log: string[];
  readonly objects: ReadonlyMap<string, Buffer>;
}

const BUCKET = 'stub';

/** What Ceph 16 does, together. */
export const CEPH: S3Quirks = {
  ifMatchUnquoted: true,
  missingIsPrecondition: true,
  multipartUnconditional: true,
  losersGet500: true,
  losersGet409: true,
  latency: 5,
};

export async function startStubS3(quirks: S3Quirks = {}): Promise<StubS3> {
  const objects = new Map<string, Buffer>();
  const log: string[] = [];
  const service = new Service(objects, quirks);
  const server = createServer((request, response) => {
    log.push(`${request.method} ${request.url}`);
    service.answer(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  // A machine that is busy with other tests may come back to an idle connection late.
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    log,
    objects,
    options: {
      endpoint: `http://127.0.0.1:${port}`,
      bucket: BUCKET,
      credentials: { accessKeyId: 'stub', secretAccessKey: 'stub' },
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

class Service {
  private readonly objects: Map<string, Buffer>;
  private readonly quirks: S3Quirks;
  private readonly uploads = new Map<string, Map<number, Buffer>>();
  private readonly underWay = new Map<string, number>();
  private ended = false;
  private writes = 0;

  constructor(objects: Map<string, Buffer>, quirks: S3Quirks) {
    this.objects = objects;
    this.quirks = quirks;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<ServerResponse> {
    const url = new URL(request.url ?? '/', 'http://stub');
    const [, bucket = '', ...rest] = url.pathname.split('/');
    const key = decodeURIComponent(rest.join('/'));
    if (this.ended || this.quirks.endsAt?.test(`${request.method} ${request.url}`)) {
      this.ended = true;
      return response.destroy() as ServerResponse;
    }
    const body = await buffer(request);
    if (this.quirks.refusesAll !== undefined) return fail(response, ...this.quirks.refusesAll);
    if (bucket !== BUCKET) return fail(response, 404, 'NoSuchBucket');
    const query = url.searchParams;
    const racers = (this.underWay.get(key) ?? 0) + 1;
    this.underWay.set(key, racers);
    try {
      await new Promise((resolve) => setTimeout(resolve, this.quirks.latency ?? 0));
      if (request.method === 'POST') return this.post(key, query, request, response);
      if (request.method === 'PUT') {
        return await this.put(key, query, body, request, response, racers > 1);
      }
      if (request.method === 'DELETE') return this.remove(key, query, response);
      if (key === '') return this.list(query, response);
      return this.get(key, request, response);
    } finally {
      this.underWay.set(key, (this.underWay.get(key) ?? 1) - 1);
    }
  }

  private async put(
    key: string,
    query: URLSearchParams,
    body: Buffer,
    request: IncomingMessage,
    response: ServerResponse,
    isRacing: boolean,
  ): Promise<ServerResponse> {
    const upload = this.uploads.get(query.get('uploadId') ?? '');
    if (upload !== undefined) {
      upload.set(Number(query.get('partNumber')), body);
      return response.writeHead(200, { etag: etagOf(body) }).end();
    }
    this.writes++;
    const { throttlesAfter = Number.POSITIVE_INFINITY, throttles = [] } = this.quirks;
    if (this.writes > throttlesAfter || throttles.includes(this.writes)) {
      return fail(response, 503, 'SlowDown');
    }
    const refusal = this.refusal(key, request);
    if (
      refusal !== undefined &&
      isRacing &&
      this.quirks.losersGet409 &&
      request.headers['if-match'] === undefined
    ) {
      return fail(response, 409, 'ConditionalRequestConflict');
    }
    if (
      refusal !== undefined &&
      isRacing &&
      this.quirks.losersGet500 &&
      request.headers['if-match'] !== undefined
    ) {
      return fail(response, 500, 'InternalError');
    }
    if (refusal !== undefined) return fail(response, ...refusal);
    if (this.quirks.gapBeforeWrite !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, this.quirks.gapBeforeWrite));
    }
    this.objects.set(key, body);
    return response.writeHead(200, { etag: etagOf(body) }).end();
  }

  private refusal(key: string, request: IncomingMessage): [number, string] | undefined {
    const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = request.headers;
    const stored = this.objects.get(key);
    if (this.quirks.ignoreConditions) return undefined;
    if (ifNoneMatch === '*' && stored !== undefined) return [412, 'PreconditionFailed'];
    if (ifMatch === undefined) return undefined;
    if (stored === undefined)
      return this.quirks.missingIsPrecondition ? [412, 'PreconditionFailed'] : [404, 'NoSuchKey'];
    if (this.quirks.neverMatches) return [412, 'PreconditionFailed'];
    const wanted = this.quirks.ifMatchUnquoted ? etagOf(stored).replaceAll('"', '') : etagOf(stored);
    return ifMatch === wanted ? undefined : [412, 'PreconditionFailed'];
  }

  private post(
    key: string,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): ServerResponse {
    if (this.quirks.refusesMultipart) return fail(response, 501, 'NotImplemented');
    if (query.has('uploads')) {
      const id = `upload-${this.uploads.size}`;
      this.uploads.set(id, new Map());
      return xml(
        response,
        200,
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    const id = query.get('uploadId') ?? '';
    const parts = this.uploads.get(id);
    if (parts === undefined) return fail(response, 404, 'NoSuchUpload');
    const refusal = this.quirks.multipartUnconditional ? undefined : this.refusal(key, request);
    if (refusal !== undefined) return fail(response, ...refusal);
    this.uploads.delete(id);
    const body = Buffer.concat([...parts].sort(([left], [right]) => left - right).map(([, part]) => part));
    this.objects.set(key, body);
    const etag = this.quirks.multipartUnconditional ? '' : etagOf(body).replaceAll('"', '&quot;');
    return xml(
      response,
      200,
      `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`,
    );
  }

  private remove(key: string, query: URLSearchParams, response: ServerResponse): ServerResponse {
    const id = query.get('uploadId');
    if (id === null) this.objects.delete(key);
    else this.uploads.delete(id);
    return response.writeHead(204).end();
  }

  private get(key: string, request: IncomingMessage, response: ServerResponse): ServerResponse {
    const stored = this.objects.get(key);
    if (stored === undefined) return fail(response, 404, 'NoSuchKey');
    const etag = etagOf(stored);
    if (request.headers['if-none-match'] === etag) {
      return response.writeHead(304, { etag }).end();
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (first === undefined) {
      response.writeHead(200, { etag, 'content-length': stored.length });
      return response.end(request.method === 'HEAD' ? undefined : stored);
    }
    if (Number(first) >= stored.length) return fail(response, 416, 'InvalidRange');
    const part = stored.subarray(Number(first), Number(last) + 1);
    const range = `bytes ${first}-${Number(first) + part.length - 1}/${stored.length}`;
    return response.writeHead(206, { etag, 'content-length': part.length, 'content-range': range }).end(part);
  }

  private list(query: URLSearchParams, response: ServerResponse): ServerResponse {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, 1000);
    const more = keys.length > page.length;
    const contents = page.map(
      (key) =>
        `<Contents><Key>${escapeXml(key)}</Key><Size>${this.objects.get(key)?.length ?? 0}</Size></Contents>`,
    );
    const next = more ? `<NextContinuationToken>${escapeXml(page.at(-1) ?? '')}</NextContinuationToken>` : '';
    return xml(
      response,
      200,
      `<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
    );
  }
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function fail(response: ServerResponse, status: number, code: string): ServerResponse {
  return xml(response, status, `<Error><Code>${code}</Code><Message>${code} (stub)</Message></Error>`);
}

function xml(response: ServerResponse, status: number, body: string): ServerResponse {
  response.writeHead(status, { 'content-type': 'application/xml' });
  return response.end(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`);
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
