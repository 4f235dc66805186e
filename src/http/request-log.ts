import type { Socket } from 'node:net';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Client } from './clients/client.ts';
import { statusOf } from './errors/status.ts';
import type { RequestBindings } from './http-env.ts';

export interface RequestLogContext {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'requestsActive' | 'requests' | 'requestSeconds' | 'bytesIn' | 'bytesOut'>;
  readonly random: Random;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** What is known of a request that has been handled. */
export interface Handling {
  /** When the request came: monotonic milliseconds. */
  readonly began: number;
  /** What went wrong in the middle of the answer. Asked when it has been answered. */
  readonly trouble?: () => unknown;
}

/** Paths outside git's routes that have their own metric label. */
const KNOWN_PATHS = new Set(['/healthz', '/readyz', '/metrics']);

/** Gives each request an id, counts it, and logs it once it has been answered. */
export class RequestLog {
  private readonly context: RequestLogContext;
  /** Bytes of each connection that belong to counted requests. */
  private readonly counted = new WeakMap<Socket, number>();

  constructor(context: RequestLogContext) {
    this.context = context;
  }

  /**
   * Begins to count a request. If git got an error inside a response that started with status 200, the request is counted with the status
   * of that error. A client that disconnects is not an error.
   * @returns the id of the request
   */
  begin(env: RequestBindings, { address }: Pick<Client, 'address'>, { began, trouble }: Handling): string {
    const { log, metrics, random, now } = this.context;
    const { incoming, outgoing, path, git, afterAnswer } = env;
    const { socket } = incoming;
    const requestId = random.hex(6);
    // Earlier bytes of the connection were counted with earlier requests. The first bytes of this request are read already.
    const readBefore = this.counted.get(socket) ?? 0;
    const writtenBefore = socket.bytesWritten;
    metrics.requestsActive.inc();
    // Measured when the response is sent or when it was handled, whichever is first: later bytes belong to the next request.
    const measure = once(() => {
      const received = socket.bytesRead - readBefore;
      this.counted.set(socket, socket.bytesRead);
      const sent = socket.bytesWritten - writtenBefore;
      return { seconds: (now() - began) / 1000, received, sent };
    });
    outgoing.once('finish', measure);
    afterAnswer.push(() => {
      const { seconds, received, sent } = measure();
      const wrong = trouble?.();
      const told = outgoing.statusCode === 200 && wrong !== undefined;
      const status = told ? statusOf(wrong) : outgoing.statusCode;
      const route = git === undefined ? knownPath(path) : `git ${git.endpoint}`;
      metrics.requestsActive.dec();
      metrics.requests.inc({ route, status: String(status) });
      metrics.requestSeconds.observe({ route }, seconds);
      metrics.bytesIn.inc({ route }, received);
      metrics.bytesOut.inc({ route }, sent);
      const { method, url } = incoming;
      const target = loggedTarget(path, url);
      log.info(
        { requestId, client: address, method, path: target, status, seconds, received, sent },
        'request',
      );
    });
    return requestId;
  }
}

/** What the log says of a path and its query. The query of a sign-in is secret: its holder could use it. */
function loggedTarget(path: string, url: string | undefined): string | undefined {
  return path === '/sign-in' ? path : url;
}

function knownPath(path: string): string {
  if (path.startsWith('/fossil/')) return 'fossil';
  return KNOWN_PATHS.has(path) ? path : 'other';
}

/** Calls `take` at most once and returns its value every time. */
function once<T>(take: () => T): () => T {
  let taken: { readonly value: T } | undefined;
  return () => {
    taken ??= { value: take() };
    return taken.value;
  };
}
