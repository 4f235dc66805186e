import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { CairnError, isCairnError, messageOf } from '../lib/errors.ts';
import type { Release } from '../lib/limiter.ts';
import type { Random } from '../lib/random.ts';
import { refusalClass } from '../observability/initial-values.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Client } from './clients/client.ts';
import { clientAddress } from './clients/client-address.ts';
import { Connections, type Limit } from './clients/connections.ts';
import { answerWithoutUpgrade, asksForWebSocket } from './clients/upgrade.ts';
import { sendGitError, statusOf } from './errors/git-errors.ts';
import { gitSpace } from './git/git-path.ts';
import { logPush } from './git/log-push.ts';
import { findGitRoute, GIT_ROUTES, type GitRoutesContext, refusePush } from './git-routes.ts';
import { BACKLOG, HANDSHAKE_MS, type HttpLimits, TIME_LIMITS } from './http-limits.ts';
import { answerBrowser } from './middleware/cross-origin.ts';
import { Expectations } from './middleware/expectation.ts';
import { RequestPlaces } from './middleware/request-places.ts';
import type { RelaySockets } from './relay-socket.ts';
import { normalTarget, splitUrl } from './request-target.ts';

/** What the server answers with. */
export interface HttpRoutes {
  readonly git: GitRoutesContext;
  /** Everything outside the git URL spaces. */
  readonly others: Hono;
  /** Who asks for WebSocket is sent there; without it such requests are answered like any other. */
  readonly relay?: RelaySockets;
}

export interface HttpServerContext {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random: Random;
  /** PEM texts; without them plain HTTP is served. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly limits: HttpLimits;
  /** Milliseconds for a TLS handshake; half a minute when left out. */
  readonly handshakeMs?: number;
}

interface ServedRoutes {
  readonly git: GitRoutesContext;
  readonly others: ReturnType<typeof getRequestListener>;
}

/** The listening server: git requests on the raw request and response, everything else through hono. */
export class HttpServer {
  private readonly context: HttpServerContext;
  private readonly server: Server;
  private readonly connections: Connections;
  private readonly places: RequestPlaces;
  /** Bytes read from each connection that belong to requests which have been counted. */
  private readonly counted = new WeakMap<Socket, number>();
  private readonly answering = new Set<Promise<void>>();
  private readonly routes: Promise<ServedRoutes>;
  private readonly expectations = new Expectations();
  private serving = false;
  private relay: RelaySockets | undefined;
  private begin: (routes: ServedRoutes) => void = () => undefined;

  constructor(context: HttpServerContext) {
    this.context = context;
    const { limits, metrics } = context;
    const onRefused = (limit: Limit) => metrics.clientsRefused.inc({ limit });
    const { connections: all, connectionsPerAddress: perAddress, trustedProxies } = limits;
    const onCount = (count: number) => metrics.connections.set(count);
    const watcher = { onCount, now: () => performance.now() };
    this.connections = new Connections({ all, perAddress, trustedProxies }, onRefused, watcher);
    const { requests, requestsPerAddress } = limits;
    this.places = new RequestPlaces({ all: requests, perAddress: requestsPerAddress }, onRefused);
    this.routes = new Promise((resolve) => {
      this.begin = resolve;
    });
    const listener = (incoming: IncomingMessage, response: ServerResponse) => {
      const answered = this.answer(incoming, response);
      this.answering.add(answered);
      void answered.finally(() => this.answering.delete(answered));
    };
    // Time limits are on no progress, not on total time: a push may take an hour as long as it moves.
    const options = {
      requestTimeout: 0,
      ...TIME_LIMITS,
    };
    this.server =
      context.tls === undefined
        ? createHttpServer(options, listener)
        : createHttpsServer(
            { ...options, ...context.tls, handshakeTimeout: context.handshakeMs ?? HANDSHAKE_MS },
            listener,
          );
    this.connections.watch(this.server, context.tls === undefined);
    this.server.on('checkContinue', (incoming: IncomingMessage, response: ServerResponse) => {
      this.expectations.note(incoming, response);
      listener(incoming, response);
    });
  }

  /**
   * Starts listening.
   * @param port 0 picks a free one
   * @returns the URL it is reached at
   * @throws CairnError `unavailable` when the address is taken or not ours
   */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error) => {
        reject(new CairnError('unavailable', `cannot listen on ${host}:${port}: ${messageOf(error)}`));
      });
      this.server.listen({ port, host, backlog: BACKLOG }, resolve);
    });
    const address = this.server.address() as AddressInfo;
    const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `${this.context.tls === undefined ? 'http' : 'https'}://${shownHost}:${address.port}`;
  }

  /** Begins to answer. Requests that came since {@link listen} have waited: what is answered may depend on the address. */
  serve(routes: HttpRoutes): void {
    const { git, others, relay } = routes;
    this.serving = true;
    this.relay = relay;
    if (relay !== undefined) {
      this.server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
        incoming.url = normalTarget(incoming.url ?? '/');
        if (asksForWebSocket(incoming)) {
          // It is the relay's from now on, which has limits and an end of its own for it.
          this.connections.occupy(incoming.socket);
          relay.upgrade(incoming, socket, head);
        } else answerWithoutUpgrade(this.server, incoming, socket, head);
      });
    }
    this.begin({ git, others: getRequestListener(others.fetch) });
  }

  /** Takes no new connections, and waits until every request under way has been answered. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    if (!this.serving) {
      // Nobody will answer those who wait.
      this.server.closeAllConnections();
      return closed;
    }
    // A connection that goes idle later, having had its last answer, would be kept for a next request.
    const sweep = setInterval(() => {
      this.server.closeIdleConnections();
      this.connections.endIdle();
    }, 100);
    // A connection of the relay never goes idle.
    await Promise.all([closed, this.relay?.close()]).finally(() => clearInterval(sweep));
    // A push whose client was cut off may be in the middle of its swap: that one is finished, too.
    await Promise.all(this.answering);
  }

  /** Cuts every connection that is left. */
  closeAll(): void {
    this.server.closeAllConnections();
    this.relay?.closeAll();
  }

  private async answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    incoming.url = normalTarget(incoming.url ?? '/');
    const { git, others } = await this.routes;
    if (gitSpace(splitUrl(incoming).path) !== undefined) await this.answerGit(git, incoming, response);
    else await this.answerOther(git, incoming, response, others);
  }

  private async answerGit(
    git: GitRoutesContext,
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { random, log, metrics } = this.context;
    const requestId = random.hex(6);
    const began = performance.now();
    const client = this.clientOf(incoming);
    const { path, query } = splitUrl(incoming);
    const endpoint = GIT_ROUTES.find((route) => path.endsWith(`/${route.endpoint}`))?.endpoint ?? 'other';
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort(new CairnError('unavailable', 'the client has gone'));
    });
    const finish = this.observe(incoming, response, `git ${endpoint}`, requestId);
    let trouble: unknown;
    const sender = this.senderOf(incoming, response);
    let release: Release | undefined;
    try {
      if (answerBrowser(git.access, gitSpace(path), incoming, response)) return;
      release = await this.places.enter(sender.caller, sender, gone.signal);
      let target: ReturnType<typeof findGitRoute>;
      try {
        target = findGitRoute(git.repositories, incoming.method ?? 'GET', path);
      } catch (reason) {
        if (endpoint !== 'git-receive-pack') throw reason;
        await refusePush(
          git,
          { incoming, response, expectations: this.expectations, client: sender },
          reason,
        );
        return;
      }
      const { route, repository, space } = target;
      checkContentType(incoming, route.contentType);
      await route.handle(git, {
        incoming,
        response,
        expectations: this.expectations,
        client: sender,
        query,
        repository,
        space,
        signal: gone.signal,
        onBroken: (error) => {
          trouble = error;
          log.error({ requestId, client, repository: String(repository), err: error }, 'answer broken off');
        },
        onRefused: (reason) =>
          log.info({ requestId, client, repository: String(repository), reason }, 'fetch refused'),
        onPush: (summary, by) => {
          const seconds = (performance.now() - began) / 1000;
          for (const reason of summary.refusals) metrics.refusedRefs.inc({ reason: refusalClass(reason) });
          logPush(log, summary, by, { requestId, client, repository: String(repository), seconds });
        },
      });
    } catch (error) {
      trouble = error;
      this.fail(error, incoming, response, { endpoint, requestId, client, realm: git.base }, gone.signal);
    } finally {
      release?.();
      sender.watchDelivery();
      // A client that leaves is no trouble of ours.
      finish(gone.signal.aborted ? undefined : trouble);
    }
  }

  private clientOf(incoming: IncomingMessage): string {
    return clientAddress(incoming, this.context.limits.trustedProxies);
  }

  private senderOf(incoming: IncomingMessage, response: ServerResponse): Client {
    const { limits, metrics } = this.context;
    const onTooSlow = () => metrics.clientsRefused.inc({ limit: 'pace' });
    const client = new Client({ incoming, response, ...limits, onTooSlow, now: () => performance.now() });
    response.once('close', this.connections.occupy(incoming.socket));
    return client;
  }

  private fail(
    error: unknown,
    incoming: IncomingMessage,
    response: ServerResponse,
    facts: {
      readonly endpoint: string;
      readonly requestId: string;
      readonly client: string;
      readonly realm: string;
    },
    gone: AbortSignal,
  ): void {
    const { log } = this.context;
    const { endpoint, requestId, client, realm } = facts;
    if (gone.aborted) {
      log.info({ requestId, client, reason: messageOf(gone.reason) }, 'request broken off');
      response.destroy();
      return;
    }
    const about = { requestId, client, method: incoming.method, path: incoming.url };
    const status = statusOf(error);
    if (isCairnError(error) && status < 500) {
      // A client that has to say who it is, or that asks for what it cannot have: nothing of ours went wrong.
      log.info({ ...about, kind: error.kind, reason: error.message }, 'git request refused');
    } else {
      log[status === 503 ? 'warn' : 'error']({ ...about, err: error }, 'git request failed');
    }
    if (response.headersSent) {
      // Too late for a reason: an answer that breaks off is at least not taken for a whole one.
      response.destroy();
      return;
    }
    // Nobody reads what is still coming; the connection cannot be used again before it has come.
    if (!incoming.complete) response.setHeader('Connection', 'close');
    sendGitError(response, error, endpoint, requestId, realm);
    incoming.resume();
  }

  private async answerOther(
    { access }: GitRoutesContext,
    incoming: IncomingMessage,
    response: ServerResponse,
    listener: ServedRoutes['others'],
  ): Promise<void> {
    const requestId = this.context.random.hex(6);
    response.setHeader('X-Request-Id', requestId);
    // Nothing here reads a body. Nobody waits for one that is still to come.
    if (!incoming.complete && announcesBody(incoming)) response.setHeader('Connection', 'close');
    const { path } = splitUrl(incoming);
    const known = ['/healthz', '/readyz', '/metrics'].includes(path);
    const finish = this.observe(incoming, response, known ? path : 'other', requestId);
    const sender = this.senderOf(incoming, response);
    try {
      if (answerBrowser(access, undefined, incoming, response)) return;
      await listener(incoming, response);
    } catch (error) {
      this.context.log.error({ requestId, path: incoming.url, err: error }, 'request failed');
      response.destroy();
    } finally {
      sender.watchDelivery();
      finish();
    }
  }

  /**
   * Counts and logs one request; returns what is to be called when it has been handled, with what went wrong. It is counted
   * under the status of that, also where git was told of it in an answer that had to begin with 200.
   */
  private observe(
    incoming: IncomingMessage,
    response: ServerResponse,
    route: string,
    requestId: string,
  ): (trouble?: unknown) => void {
    const { metrics, log } = this.context;
    const client = this.clientOf(incoming);
    const began = performance.now();
    const { socket } = incoming;
    // What came before this request on its connection was counted with the requests before it: by now, its own
    // first bytes have been read already.
    const readBefore = this.counted.get(socket) ?? 0;
    const writtenBefore = socket.bytesWritten;
    metrics.requestsActive.inc();
    // Taken when the answer is out, or, if that is earlier, when it has been handled: what comes then belongs to the next one.
    const measure = once(() => {
      const received = socket.bytesRead - readBefore;
      this.counted.set(socket, socket.bytesRead);
      const sent = socket.bytesWritten - writtenBefore;
      return { seconds: (performance.now() - began) / 1000, received, sent };
    });
    response.once('finish', measure);
    return (trouble) => {
      const { seconds, received, sent } = measure();
      const told = response.statusCode === 200 && trouble !== undefined;
      const status = told ? statusOf(trouble) : response.statusCode;
      metrics.requestsActive.dec();
      metrics.requests.inc({ route, status: String(status) });
      metrics.requestSeconds.observe({ route }, seconds);
      metrics.bytesIn.inc({ route }, received);
      metrics.bytesOut.inc({ route }, sent);
      log.info(
        {
          requestId,
          client,
          method: incoming.method,
          path: incoming.url,
          status,
          seconds,
          received,
          sent,
        },
        'request',
      );
    };
  }
}

/** What `take` returned the first time. */
function once<T>(take: () => T): () => T {
  let taken: { readonly value: T } | undefined;
  return () => {
    taken ??= { value: take() };
    return taken.value;
  };
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function checkContentType(incoming: IncomingMessage, expected: string | undefined): void {
  if (expected === undefined) return;
  const given = incoming.headers['content-type'];
  // A media type is case-insensitive, and parameters may follow it (RFC 9110, section 8.3.1).
  if (given?.split(';')[0]?.trim().toLowerCase() === expected) return;
  throw new CairnError('invalid', `expected content type ${expected}, got ${given ?? 'none'}`);
}
