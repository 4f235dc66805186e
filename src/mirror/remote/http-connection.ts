import type { Service } from '../../git/index.ts';
import { CairnError, messageOf, systemCode } from '../../lib/errors.ts';
import { boundedAdvertisement, withoutServiceHeader } from './advertisement-body.ts';
import type { Connection, OpenOptions, RequestBody, Session } from './connection.ts';
import { isEncoded, refusalOf } from './http-refusal.ts';
import type { HttpAnswer, HttpRequest, HttpTransport } from './http-transport.ts';
import { PacketStream } from './packet-stream.ts';
import { displayUrl, type RemoteAddress } from './remote-address.ts';
import { RemoteError } from './remote-error.ts';
import { countedBody } from './sent-body.ts';

export interface HttpConnectionOptions {
  readonly address: RemoteAddress & { readonly kind: 'http' };
  readonly transport: HttpTransport;
  /** Whether it is closed with the connection. */
  readonly ownsTransport: boolean;
  readonly userAgent: string;
}

/** A repository behind smart HTTP (gitprotocol-http). */
export class HttpConnection implements Connection {
  readonly address: RemoteAddress;
  private readonly options: HttpConnectionOptions;
  private readonly base: URL;

  constructor(options: HttpConnectionOptions) {
    this.options = options;
    this.address = options.address;
    this.base = new URL(options.address.url);
    this.base.username = '';
    this.base.password = '';
  }

  async open(service: Service, { version, signal }: OpenOptions): Promise<Session> {
    const url = below(this.base, `/info/refs`);
    url.searchParams.set('service', service);
    const { transport, userAgent } = this.options;
    const protocol: Record<string, string> = version > 0 ? { 'Git-Protocol': `version=${version}` } : {};
    const headers = { Accept: '*/*', 'User-Agent': userAgent, 'Cache-Control': 'no-cache', ...protocol };
    const answer = await exchange(transport, { method: 'GET', url, headers, reuse: true, signal });
    if (answer.status !== 200) throw await refusalOf(answer, displayUrl(this.base), 0);
    await mustBe(answer, `application/x-${service}-advertisement`, this.base);
    const body = await withoutServiceHeader(boundedAdvertisement(answer.body), service);
    return new HttpSession({
      ...this.options,
      base: this.base,
      service,
      protocol,
      advertisement: new PacketStream(body),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { transport, ownsTransport } = this.options;
    if (ownsTransport) await transport[Symbol.asyncDispose]();
  }
}

interface SessionOptions extends HttpConnectionOptions {
  readonly base: URL;
  readonly service: Service;
  readonly protocol: Readonly<Record<string, string>>;
  readonly advertisement: PacketStream;
}

class HttpSession implements Session {
  readonly stateless = true;
  readonly advertisement: PacketStream;
  private readonly options: SessionOptions;
  /** What is still read, or was read last. */
  private current: PacketStream;

  constructor(options: SessionOptions) {
    this.options = options;
    this.advertisement = options.advertisement;
    this.current = options.advertisement;
  }

  async request(
    body: RequestBody,
    { signal }: { readonly last: boolean; readonly signal: AbortSignal },
  ): Promise<PacketStream> {
    const { base, service, transport, userAgent, protocol } = this.options;
    await this.current.close();
    const headers = {
      Accept: `application/x-${service}-result`,
      'Content-Type': `application/x-${service}-request`,
      'User-Agent': userAgent,
      ...protocol,
    };
    const url = below(base, `/${service}`);
    const counted = countedBody(body);
    const request: HttpRequest = { method: 'POST', url, headers, body: counted.body, reuse: false, signal };
    const answer = await exchange(transport, request, counted);
    if (answer.status !== 200) throw await refusalOf(answer, displayUrl(base), counted.sent());
    await mustBe(answer, `application/x-${service}-result`, base);
    this.current = new PacketStream(answer.body);
    return this.current;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.current.close();
  }
}

type Counted = Pick<ReturnType<typeof countedBody>, 'sent' | 'failure'>;

/** Sends a request, with errors in the words of `Connection`: those of reading the answer, too. */
async function exchange(
  transport: HttpTransport,
  request: HttpRequest,
  counted: Counted = { sent: () => 0, failure: () => undefined },
): Promise<HttpAnswer> {
  const translated = (error: unknown) => networkError(error, request, counted);
  try {
    const answer = await transport.send(request);
    return { ...answer, body: mapErrors(answer.body, translated) };
  } catch (error) {
    throw translated(error);
  }
}

function networkError(error: unknown, { url, signal }: HttpRequest, { sent, failure }: Counted): unknown {
  const own = failure();
  if (own !== undefined) return own.error;
  if (signal.aborted) return signal.reason;
  if (error instanceof CairnError) return error;
  const where = displayUrl(new URL('.', url)).replace(/\/(info\/)?$/, '');
  const reason = messageOf(error) || systemCode(error);
  // Nothing was sent if there was no connection.
  if (NOT_CONNECTED.has(systemCode(error) ?? '') && sent() === 0) {
    return new RemoteError('unavailable', `${where} cannot be reached: ${reason}`, {}, { cause: error });
  }
  const facts = { brokenOff: true, sent: sent() };
  return new RemoteError('unavailable', `the connection to ${where} broke off: ${reason}`, facts, {
    cause: error,
  });
}

const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

function mapErrors(
  body: AsyncIterable<Buffer>,
  translated: (error: unknown) => unknown,
): AsyncIterable<Buffer> {
  const chunks = body[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        try {
          return await chunks.next();
        } catch (error) {
          throw translated(error);
        }
      },
      return: async () => {
        await chunks.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

/** @throws RemoteError `corrupt` when a body has another type, or is compressed; it is ended then */
async function mustBe(answer: HttpAnswer, type: string, base: URL): Promise<void> {
  const { 'content-type': given = '', 'content-encoding': encoding } = answer.headers;
  const plain = given.split(';')[0]?.trim().toLowerCase() === type;
  if (plain && !isEncoded(encoding)) return;
  await answer.body[Symbol.asyncIterator]().return?.();
  const found = plain ? `a body that is compressed (${encoding})` : `content type ${JSON.stringify(given)}`;
  throw new RemoteError(
    'corrupt',
    `${displayUrl(base)} is not a git repository that is served over smart HTTP: expected ${type}, got ${found}`,
    { status: answer.status },
  );
}

function below(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/+$/, '')}${path}`;
  return url;
}
