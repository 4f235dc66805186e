import { messageOf, systemCode } from '../lib/errors.ts';
import { displayUrl } from './display-url.ts';
import { NotHttp } from './http-exchange.ts';
import { isEncoded, refusalOf } from './http-refusal.ts';
import type { HttpAnswer, HttpRequest, HttpTransport } from './http-transport.ts';
import { readBriefly } from './read-briefly.ts';
import { RemoteError } from './remote-error.ts';
import type { RequestBody } from './request-body.ts';
import type { Secrets } from './secrets.ts';
import { CountedBody } from './sent-body.ts';
import type { TrafficObserver } from './traffic.ts';

export interface HttpClientOptions {
  readonly transport: HttpTransport;
  readonly userAgent: string;
  readonly secrets: Secrets;
  readonly traffic: TrafficObserver;
}

/** A request, with the URL of the repository that it is about. */
export interface RepositoryRequest extends Omit<HttpRequest, 'body'> {
  readonly repository: URL;
  readonly body?: RequestBody;
}

/** Sends requests, counts their bytes, and gives errors the words of `Connection`. */
export class HttpClient {
  readonly options: HttpClientOptions;

  constructor(options: HttpClientOptions) {
    this.options = options;
  }

  /** @returns the answer, whatever its status; reading its body throws errors in the same words */
  async send(request: RepositoryRequest): Promise<HttpAnswer & { readonly sent: () => number }> {
    const { transport, traffic, userAgent } = this.options;
    const counted = new CountedBody(request.body, (bytes) => traffic.sent(bytes));
    traffic.requested();
    const { method, url, reuse, signal } = request;
    const headers = { 'User-Agent': userAgent, ...request.headers };
    const body = counted.body === undefined ? {} : { body: counted.body };
    try {
      const answer = await transport.send({ method, url, reuse, signal, headers, ...body });
      const received = this.received(answer.body, (error) => this.translated(error, request, counted));
      return { ...answer, body: received, sent: () => counted.sent };
    } catch (error) {
      counted.close();
      throw this.translated(error, request, counted);
    }
  }

  /** The error of an answer that is not a success. Ends the answer. */
  async refusal(answer: HttpAnswer, repository: URL, sent: number): Promise<RemoteError> {
    const { secrets } = this.options;
    return refusalOf(answer, displayUrl(repository), sent, (text) => secrets.redact(text));
  }

  private translated(error: unknown, { repository, signal }: RepositoryRequest, body: CountedBody): unknown {
    if (body.failure !== undefined) return body.failure.error;
    if (signal.aborted) return signal.reason;
    if (!(error instanceof Error) || 'kind' in error) return error;
    const { secrets } = this.options;
    const where = displayUrl(repository);
    const reason = secrets.redact(
      messageOf(error) === '' ? (systemCode(error) ?? error.name) : messageOf(error),
    );
    if (isNotConnected(error)) {
      return new RemoteError('unavailable', `${where} cannot be reached: ${reason}`, {}, { cause: error });
    }
    if (error instanceof NotHttp || systemCode(error)?.startsWith('HPE_')) {
      return new RemoteError('corrupt', `${where} does not speak HTTP: ${reason}`, {}, { cause: error });
    }
    const text = `the connection to ${where} broke off: ${reason}`;
    return new RemoteError('unavailable', text, { brokenOff: true, sent: body.sent }, { cause: error });
  }

  private received(
    body: AsyncIterable<Buffer>,
    translated: (error: unknown) => unknown,
  ): AsyncIterable<Buffer> {
    const { traffic } = this.options;
    const chunks = body[Symbol.asyncIterator]();
    const iterator: AsyncIterator<Buffer> = {
      async next() {
        try {
          const step = await chunks.next();
          if (!step.done) traffic.received(step.value.length);
          return step;
        } catch (error) {
          throw translated(error);
        }
      },
      async return() {
        await chunks.return?.();
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }
}

/** Most bytes of an unwanted response that are read; a longer one is aborted. */
export const restOfAnswer = { bytes: 64 * 1024, milliseconds: 200 };

/** Ends a response whose body is not wanted. */
export async function endAnswer({ body }: HttpAnswer): Promise<void> {
  await readBriefly(body[Symbol.asyncIterator](), restOfAnswer);
}

/**
 * Checks that an answer is what a smart server sends.
 * @throws RemoteError `corrupt` when its body has another type, or is compressed; it is ended then
 */
export async function mustBe(answer: HttpAnswer, type: string, repository: URL): Promise<void> {
  const { 'content-type': given = '', 'content-encoding': encoding } = answer.headers;
  const isType = given.split(';')[0]?.trim().toLowerCase() === type;
  if (isType && !isEncoded(encoding)) return;
  await endAnswer(answer);
  const found = isType
    ? 'a compressed body, which was not asked for'
    : `content type ${JSON.stringify(given.slice(0, 100))}`;
  const text = `${displayUrl(repository)} does not answer as smart HTTP does: expected ${type}, got ${found}`;
  const isPage = /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(given);
  throw new RemoteError('corrupt', text, { status: answer.status, ...(isPage ? { isPage } : {}) });
}

/** Codes of errors that come before a connection is there. */
const NOT_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ERR_TLS_\w+|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+|DEPTH_ZERO_\w+)$/;

function isNotConnected(error: Error): boolean {
  if (error instanceof AggregateError)
    return error.errors.every((one) => one instanceof Error && isNotConnected(one));
  const isConnecting = 'syscall' in error && error.syscall === 'connect';
  return isConnecting || NOT_CONNECTED.test(systemCode(error) ?? '');
}
