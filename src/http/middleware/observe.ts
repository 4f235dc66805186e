import type { Socket } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import type { Random } from '../../lib/random.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { statusOf } from '../errors/status.ts';
import type { HttpEnv } from '../http-env.ts';

export interface ObserveContext {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'requestsActive' | 'requests' | 'requestSeconds' | 'bytesIn' | 'bytesOut'>;
  readonly random: Random;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Paths outside git's routes that have their own metric label. */
const KNOWN_PATHS = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * Gives each request an id, counts it, and logs it once it has been answered. If git got an error inside a response that
 * started with status 200, the request is counted with the status of that error. A client that disconnects is not an error.
 */
export function observe({ log, metrics, random, now }: ObserveContext): MiddlewareHandler<HttpEnv> {
  /** Bytes of each connection that belong to counted requests. */
  const counted = new WeakMap<Socket, number>();
  return (c, next) => {
    const { incoming, outgoing, path, git, afterAnswer } = c.env;
    const { socket } = incoming;
    const requestId = random.hex(6);
    const began = now();
    c.set('requestId', requestId);
    c.set('began', began);
    // A git response has only the headers of git http-backend.
    if (git === undefined) outgoing.setHeader('X-Request-Id', requestId);
    // Earlier bytes of the connection were counted with earlier requests. The first bytes of this request are read already.
    const readBefore = counted.get(socket) ?? 0;
    const writtenBefore = socket.bytesWritten;
    metrics.requestsActive.inc();
    // Measured when the response is sent or when it was handled, whichever is first: later bytes belong to the next request.
    const measure = once(() => {
      const received = socket.bytesRead - readBefore;
      counted.set(socket, socket.bytesRead);
      const sent = socket.bytesWritten - writtenBefore;
      return { seconds: (now() - began) / 1000, received, sent };
    });
    outgoing.once('finish', measure);
    afterAnswer.push(() => {
      const { seconds, received, sent } = measure();
      const trouble = c.get('signal')?.aborted ? undefined : (c.get('trouble') ?? c.error);
      const told = outgoing.statusCode === 200 && trouble !== undefined;
      const status = told ? statusOf(trouble) : outgoing.statusCode;
      const route = git === undefined ? knownPath(path) : `git ${git.endpoint}`;
      metrics.requestsActive.dec();
      metrics.requests.inc({ route, status: String(status) });
      metrics.requestSeconds.observe({ route }, seconds);
      metrics.bytesIn.inc({ route }, received);
      metrics.bytesOut.inc({ route }, sent);
      const client = c.get('client').address;
      const { method } = incoming;
      log.info(
        {
          requestId,
          client,
          method,
          path: loggedTarget(path, incoming.url),
          status,
          seconds,
          received,
          sent,
        },
        'request',
      );
    });
    return next();
  };
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
