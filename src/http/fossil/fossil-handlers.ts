/** One Fossil repository as a handler, for a program that has a web server of its own. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { contentTypeOf } from '../../fossil/framing.ts';
import { type ExchangeHost, refuseExchange, serveExchange } from '../../fossil-sync/server/exchange.ts';
import { ByteBudget } from '../../lib/byte-budget.ts';
import { CairnError } from '../../lib/errors.ts';
import { answerFossil, turnsForLargeMessages } from './answer-fossil.ts';
import { fossilHeaders } from './fossil-reply.ts';

/** Bytes of messages in memory that all requests to one handler may keep. What has no room goes to disk. */
const MEMORY = 64 * 2 ** 20;

const PAGE = 'This URL is a Fossil repository: fossil clone <this URL>\n';
const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

/** A handler for `node:http`, and for what takes its handlers. It answers every request that it is given, and never rejects. */
export function fossilListener(
  host: ExchangeHost,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  const memory = new ByteBudget(MEMORY);
  const turns = turnsForLargeMessages();
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) gone.abort(new CairnError('unavailable', 'the client has gone'));
    });
    try {
      const type = contentTypeOf(incoming.headers['content-type']);
      const other = otherAnswer(incoming.method, type !== undefined);
      if (other !== undefined || type === undefined) {
        incoming.resume();
        const [status, text] = other ?? [415, PAGE];
        outgoing.writeHead(status, { ...TEXT, 'content-length': Buffer.byteLength(text) });
        outgoing.end(incoming.method === 'HEAD' ? undefined : text);
        return;
      }
      await answerFossil(incoming, outgoing, type, host, { memory, turns, signal: gone.signal });
    } catch (error) {
      if (!gone.signal.aborted) host.round.observer.error(error);
      outgoing.destroy();
    }
  };
}

/** The same for a server that takes functions from `Request` to `Response`, as Hono does: `app.all('/fossil', (c) => fetch(c.req.raw))`. */
export function fossilFetch(host: ExchangeHost): (request: Request) => Promise<Response> {
  return async (request) => {
    const type = contentTypeOf(request.headers.get('content-type') ?? undefined);
    const other = otherAnswer(request.method, type !== undefined);
    if (other !== undefined || type === undefined) {
      const [status, text] = other ?? [415, PAGE];
      return new Response(text, { status, headers: TEXT });
    }
    const cookie = request.headers.get('cookie') ?? undefined;
    const read = await wholeBody(request, host.messageBytes);
    const { signal } = request;
    const reply =
      read instanceof CairnError
        ? await refuseExchange(host, type, read)
        : await serveExchange(
            host,
            { type, body: read, ...(cookie === undefined ? {} : { cookie }) },
            signal,
          );
    const headers = { ...fossilHeaders(reply.type), 'content-length': String(reply.body.byteLength) };
    return new Response(new Uint8Array(reply.body), { status: 200, headers });
  };
}

/** What is answered to requests that are not Fossil's. */
function otherAnswer(method: string | undefined, isFossil: boolean): readonly [number, string] | undefined {
  if (method === 'GET' || method === 'HEAD') return [200, PAGE];
  if (method !== 'POST') return [405, 'POST is the only method of Fossil clients\n'];
  return isFossil ? undefined : [415, PAGE];
}

/** The body, or why it is refused. */
async function wholeBody(request: Request, most: number): Promise<Uint8Array | CairnError> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (request.body !== null) {
    for await (const chunk of request.body) {
      size += chunk.byteLength;
      if (size <= most) chunks.push(chunk);
      else chunks.length = 0;
    }
  }
  return size <= most
    ? Buffer.concat(chunks)
    : new CairnError('too-large', `the request has more than ${most} bytes`);
}
