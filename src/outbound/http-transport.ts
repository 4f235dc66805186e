import type { RequestBody } from './request-body.ts';

/** A request of HTTP. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Without user name and password. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A buffer is sent with its length, anything else in chunks. */
  readonly body?: RequestBody;
  /** Whether a connection that another request has used will do. Only for requests that may be sent twice. */
  readonly reuse: boolean;
  readonly signal: AbortSignal;
}

/** An answer, from its headers on. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The body, to be iterated once. To end the iteration early ends the exchange. */
  readonly body: AsyncIterable<Buffer>;
}

/** Carries requests: over the network, or wherever a program wants them to go. */
export interface HttpTransport extends AsyncDisposable {
  /**
   * Sends a request. Redirects are not followed, and bodies are given as they come.
   *
   * The answer may begin before the request has been sent whole; then the rest is sent while the answer is read. Whatever
   * happens, the body of the request is closed once: read to its end, or returned.
   * @throws what the body throws; the signal's reason; otherwise an error that says how the network failed
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
}
