import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Connections } from './clients/connections.ts';
import { answerWithoutUpgrade, asksForWebSocket } from './clients/upgrade.ts';
import { type HttpRoutes, httpApps } from './http-apps.ts';
import { BACKLOG, HANDSHAKE_MS, type HttpLimits, TIME_LIMITS } from './http-limits.ts';
import { listenError } from './listen-error.ts';
import { Expectations } from './middleware/expectation.ts';
import type { RelaySockets } from './relay-socket.ts';
import { requestListener } from './request-listener.ts';
import { normalTarget } from './request-target.ts';

/** The routes that a server answers with. */
export interface ServedRoutes extends HttpRoutes {
  /** Takes over requests for a WebSocket; without it they are answered like other requests. */
  readonly relay?: RelaySockets;
}

export interface HttpServerContext {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random: Random;
  /** PEM texts; without them the server speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly limits: HttpLimits;
  /** Milliseconds for a TLS handshake; half a minute by default. */
  readonly handshakeMs?: number;
}

type RequestListener = ReturnType<typeof requestListener>;

const now = () => performance.now();

/** The listening server: connections, TLS, time limits and upgrades. The responses are made in `http-apps.ts`. */
export class HttpServer {
  private readonly context: HttpServerContext;
  private readonly server: Server;
  private readonly connections: Connections;
  private readonly answering = new Set<Promise<void>>();
  private readonly expectations = new Expectations();
  private readonly listener: Promise<RequestListener>;
  private serving = false;
  private relay: RelaySockets | undefined;
  private begin: (listener: RequestListener) => void = () => undefined;

  constructor(context: HttpServerContext) {
    this.context = context;
    const { limits, metrics } = context;
    const { connections: all, connectionsPerAddress: perAddress, trustedProxies } = limits;
    this.connections = new Connections(
      { all, perAddress, trustedProxies },
      (limit) => metrics.clientsRefused.inc({ limit }),
      { onCount: (count) => metrics.connections.set(count), now },
    );
    this.listener = new Promise((resolve) => {
      this.begin = resolve;
    });
    const listener = (incoming: IncomingMessage, response: ServerResponse) => {
      const answered = this.answer(incoming, response);
      this.answering.add(answered);
      void answered.finally(() => this.answering.delete(answered));
    };
    // Only lack of progress is limited, not the total time: a push may take an hour as long as bytes arrive.
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
   * @returns the URL of the server
   * @throws CairnError `unavailable` if the address is taken, or is not one of this machine
   */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error) => {
        reject(listenError(error, host, port));
      });
      this.server.listen({ port, host, backlog: BACKLOG }, resolve);
    });
    const address = this.server.address() as AddressInfo;
    const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `${this.context.tls === undefined ? 'http' : 'https'}://${shownHost}:${address.port}`;
  }

  /** Begins to answer. Requests that came since {@link listen} have waited, because responses may depend on the address. */
  serve({ relay, ...routes }: ServedRoutes): void {
    const { log } = this.context;
    this.serving = true;
    this.relay = relay;
    if (relay !== undefined) {
      this.server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
        incoming.url = normalTarget(incoming.url ?? '/');
        if (asksForWebSocket(incoming)) {
          // From now on the relay owns the connection: it limits it and ends it.
          this.connections.occupy(incoming.socket);
          relay.upgrade(incoming, socket, head);
        } else answerWithoutUpgrade(this.server, incoming, socket, head);
      });
    }
    const context = { ...this.context, expectations: this.expectations, now };
    this.begin(requestListener(httpApps(context, routes), log));
  }

  /** Accepts no new connections, and waits until all current requests have been answered. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    if (!this.serving) {
      // The requests that wait will never be answered.
      this.server.closeAllConnections();
      return closed;
    }
    // A connection that becomes idle later would be kept open for its next request.
    const sweep = setInterval(() => {
      this.server.closeIdleConnections();
      this.connections.endIdle();
    }, 100);
    // A connection of the relay never becomes idle.
    await Promise.all([closed, this.relay?.close()]).finally(() => clearInterval(sweep));
    // A push whose client was cut off may be swapping the pointer: wait for it, too.
    await Promise.all(this.answering);
  }

  /** Cuts all connections that are left. */
  closeAll(): void {
    this.server.closeAllConnections();
    this.relay?.closeAll();
  }

  private async answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    incoming.url = normalTarget(incoming.url ?? '/');
    const listener = await this.listener;
    response.once('close', this.connections.occupy(incoming.socket));
    await listener(incoming, response);
  }
}
