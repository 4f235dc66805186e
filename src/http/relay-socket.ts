/** The relay over WebSocket (RFC 6455): clients that ask for it at `/` are let in, watched, and shown out. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../observability/logger.ts';
import type { Connection, RelaySocket } from '../relay/client/connection.ts';
import type { Relay } from '../relay/relay.ts';
import { clientAddress } from './clients/client-address.ts';
import { RelayPatience } from './clients/relay-patience.ts';
import { socketError } from './errors/socket-errors.ts';
import { CROSS_ORIGIN } from './middleware/cross-origin.ts';

export interface RelaySocketsContext {
  readonly relay: Relay;
  readonly log: Logger;
  /** Bytes above which a message is not even read. More than the relay takes, so that it can say what is too long. */
  readonly maxPayload: number;
  /** Milliseconds between two looks at every client: who has neither said nor read anything in two of them is cut off. */
  readonly heartbeat: number;
  /** Proxies in front of this server whose word on who calls is believed. */
  readonly trustedProxies: number;
  /** Told how many clients are connected whenever that changes. */
  readonly onConnections?: (count: number) => void;
}

/** Bytes that may wait in a socket before the relay is told to wait, and at which it is told to go on. */
const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 256 * 1024;

/** Milliseconds a client has to agree that its connection ends. */
const GOODBYE_MS = 2_000;

/** A close code of RFC 6455. */
const UNSUPPORTED_DATA = 1003;

export class RelaySockets {
  private readonly context: RelaySocketsContext;
  private readonly server: WebSocketServer;
  private readonly clients = new Set<Client>();
  private readonly heart: NodeJS.Timeout;

  constructor(context: RelaySocketsContext) {
    this.context = context;
    this.server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // It would cost memory for each connection, and events are mostly hashes and signatures.
      perMessageDeflate: false,
      maxPayload: context.maxPayload,
    });
    this.heart = setInterval(() => {
      for (const client of this.clients) client.beat();
    }, context.heartbeat);
    this.heart.unref();
  }

  /** Answers a request to go over to WebSocket. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { relay, log, trustedProxies } = this.context;
    const [path] = (incoming.url ?? '/').split('?');
    if (path !== '/') {
      refuse(socket, '404 Not Found', 'the relay is at /', log);
      return;
    }
    const address = clientAddress(incoming, trustedProxies);
    const refusal = relay.refusal(address);
    if (refusal !== undefined) {
      refuse(socket, '503 Service Unavailable', refusal, log);
      return;
    }
    this.server.handleUpgrade(incoming, socket, head, (opened) => this.welcome(opened, socket, address));
  }

  /** Lets no more clients in, answers every event the relay was given, and ends all connections. */
  async close(): Promise<void> {
    clearInterval(this.heart);
    await this.context.relay.close();
    await Promise.all([...this.clients].map((client) => client.gone));
  }

  /** Cuts every connection. */
  closeAll(): void {
    for (const client of this.clients) client.cut();
  }

  private welcome(socket: WebSocket, stream: Duplex, address: string): void {
    const { relay, log, onConnections, heartbeat, maxPayload } = this.context;
    const patience = new RelayPatience(heartbeat, maxPayload);
    const client = new Client(socket, stream, relay, address, patience);
    this.clients.add(client);
    onConnections?.(this.clients.size);
    // Too long a message, text that is not UTF-8, a malformed frame: the close code tells the client.
    socket.on('error', (error) => log.debug({ err: error }, 'relay connection failed'));
    socket.on('close', (code) => {
      this.clients.delete(client);
      onConnections?.(this.clients.size);
      log.debug({ code, connections: relay.size }, 'relay connection closed');
    });
    log.debug({ connections: relay.size }, 'relay connection opened');
  }
}

/** One client that is connected. */
class Client implements RelaySocket {
  /** Resolves when the connection is no more. */
  readonly gone: Promise<void>;
  private readonly socket: WebSocket;
  private readonly connection: Connection;
  private readonly patience: RelayPatience;
  /** It was asked to wait because the client does not read as fast as it is written to. */
  private waiting = false;
  /** The client has said or read something since the last heartbeat. */
  private alive = true;

  constructor(socket: WebSocket, stream: Duplex, relay: Relay, address: string, patience: RelayPatience) {
    this.socket = socket;
    this.patience = patience;
    // Before the bytes are looked at: a message that ends in them has then taken them all.
    stream.prependListener('data', (bytes: Buffer) => {
      if (!patience.received(bytes.length)) this.cut();
    });
    const connection = relay.connect(this, address);
    this.connection = connection;
    socket.on('message', (data, isBinary) => {
      patience.message();
      this.alive = true;
      if (isBinary) connection.end(UNSUPPORTED_DATA, 'messages are text');
      else connection.receive(textOf(data));
    });
    socket.on('ping', (payload) => patience.control(payload.length));
    socket.on('pong', (payload) => {
      patience.control(payload.length);
      this.alive = true;
    });
    this.gone = new Promise((resolve) => {
      socket.on('close', () => {
        relay.disconnect(connection);
        resolve();
      });
    });
  }

  send(text: string): boolean {
    this.patience.sending(Buffer.byteLength(text));
    this.socket.send(text, () => this.sent());
    this.waiting = this.socket.bufferedAmount > HIGH_WATER;
    return !this.waiting;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(code: number, reason: string): void {
    // The answer to the goodbye has to be read.
    this.socket.resume();
    this.socket.close(code, reason);
    const cut = setTimeout(() => this.cut(), GOODBYE_MS);
    void this.gone.then(() => clearTimeout(cut));
  }

  cut(): void {
    this.socket.terminate();
  }

  /** Cuts off a client that has not moved since the last beat, or holds memory for too long, and asks any other for a sign of life. */
  beat(): void {
    if (!this.alive || this.patience.beat(this.socket.bufferedAmount) !== undefined) {
      this.cut();
      return;
    }
    this.alive = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }

  private sent(): void {
    this.alive = true;
    if (!this.waiting || this.socket.bufferedAmount > LOW_WATER) return;
    this.waiting = false;
    this.connection.drained();
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}

/** Answers in HTTP, where the connection has not changed over yet. */
function refuse(socket: Duplex, status: string, reason: string, log: Logger): void {
  socket.on('error', (error) => log.debug({ err: error }, 'relay connection failed'));
  const comeBack = status.startsWith('503') ? { 'Retry-After': '10' } : {};
  socket.end(socketError(status, reason, { ...CROSS_ORIGIN, ...comeBack }), () => socket.destroy());
}
