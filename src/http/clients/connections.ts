import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { callerAddress } from '../../lib/caller-address.ts';
import { FairSlots } from '../../lib/fair-slots.ts';
import { socketError } from '../errors/socket-errors.ts';

export interface ConnectionLimits {
  readonly all: number;
  /** For one network address. Ignored behind a proxy, because all connections have its address. */
  readonly perAddress: number;
  readonly trustedProxies: number;
}

export interface ConnectionWatcher {
  /** Is called with the number of connections whenever it changes. */
  onCount(count: number): void;
  /** Monotonic milliseconds. */
  now(): number;
}

/** The limit for which a client is refused or disconnected; a label of a metric. */
export type Limit = 'connections' | 'address-connections' | 'requests' | 'address-requests' | 'pace';

/** Milliseconds that a refused client has to read the reason. */
const GOODBYE_MS = 1_000;
/** Maximum number of refused clients that get the reason at the same time; others are disconnected at once. */
const GOODBYES = 128;

/**
 * Limits the number of connections, in total and for one address. If all are taken, an idle one of the address with the most
 * is closed. Connections in a TLS handshake and WebSockets count like others.
 */
export class Connections {
  private readonly limits: ConnectionLimits;
  private readonly slots: FairSlots;
  private readonly known = new WeakSet<Socket>();
  private readonly busy = new WeakMap<Socket, number>();
  /** Open connections, with the time when they were accepted. */
  private readonly open = new Map<Socket, number>();
  private readonly onRefused: (limit: Limit) => void;
  private readonly watcher: ConnectionWatcher;
  private goodbyes = 0;

  constructor(limits: ConnectionLimits, onRefused: (limit: Limit) => void, watcher: ConnectionWatcher) {
    this.watcher = watcher;
    this.limits = limits;
    this.onRefused = onRefused;
    const perAddress = limits.trustedProxies > 0 ? limits.all : limits.perAddress;
    this.slots = new FairSlots(limits.all, perAddress);
  }

  /**
   * Limits the connections of a server from now on.
   * @param plain whether a refused client can get the reason in plain HTTP
   */
  watch(server: Server, plain: boolean): void {
    // The server's own listeners get only connections that are accepted.
    const serve = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      if (!this.enter(socket, plain)) return;
      for (const listener of serve) listener.call(server, socket);
    });
  }

  /** Notes that a connection has a running request: then it is not closed for another. @returns a function for its end */
  occupy(socket: Socket): () => void {
    this.busy.set(socket, (this.busy.get(socket) ?? 0) + 1);
    return () => this.busy.set(socket, (this.busy.get(socket) ?? 1) - 1);
  }

  /** Closes connections that have been open for a moment and have no running request. */
  endIdle(): void {
    for (const [socket, began] of this.open) {
      const idle = (this.busy.get(socket) ?? 0) === 0;
      if (idle && this.watcher.now() - began > GOODBYE_MS) socket.destroy();
    }
  }

  /** @returns false if the connection was refused */
  private enter(socket: Socket, plain: boolean): boolean {
    // A connection comes a second time after an ignored offer to change the protocol.
    if (this.known.has(socket)) return true;
    this.known.add(socket);
    const began = this.watcher.now();
    const entry = this.slots.enter(callerAddress(socket.remoteAddress ?? ''), {
      stalledFor: () => ((this.busy.get(socket) ?? 0) > 0 ? undefined : this.watcher.now() - began),
      evict: () => {
        this.onRefused('connections');
        socket.destroy();
      },
    });
    if ('leave' in entry) {
      this.watcher.onCount(this.slots.size);
      this.open.set(socket, began);
      socket.once('close', () => {
        this.open.delete(socket);
        entry.leave();
        this.watcher.onCount(this.slots.size);
      });
      return true;
    }
    const limit = entry.refused === 'key' ? 'address-connections' : 'connections';
    this.onRefused(limit);
    if (plain && this.goodbyes < GOODBYES) this.sayGoodbye(socket, limit);
    else socket.destroy();
    return false;
  }

  private sayGoodbye(socket: Socket, limit: Limit): void {
    const reason =
      limit === 'connections'
        ? 'all connections are taken, try again in a moment'
        : `there are ${this.limits.perAddress} connections from your address already, try again in a moment`;
    this.goodbyes++;
    // The request is read but not parsed: closing a socket with unread data would also discard the response.
    socket.resume();
    socket.on('error', () => socket.destroy());
    const cut = setTimeout(() => socket.destroy(), GOODBYE_MS);
    socket.once('close', () => {
      clearTimeout(cut);
      this.goodbyes--;
    });
    socket.end(
      socketError('503 Service Unavailable', reason, {
        'Access-Control-Allow-Origin': '*',
        'Retry-After': '5',
      }),
    );
  }
}
