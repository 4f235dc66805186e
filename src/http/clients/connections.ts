import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { callerAddress } from '../../lib/caller-address.ts';
import { FairSlots } from '../../lib/fair-slots.ts';
import { socketError } from '../errors/socket-errors.ts';

export interface ConnectionLimits {
  readonly all: number;
  /** Of one network address. Behind a proxy, whose address all of them have, it is not looked at. */
  readonly perAddress: number;
  readonly trustedProxies: number;
}

export interface ConnectionWatcher {
  /** Called with the number of connections whenever it has changed. */
  onCount(count: number): void;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Why a client is turned away or cut off; a label of a metric. */
export type Limit = 'connections' | 'address-connections' | 'requests' | 'address-requests' | 'pace';

/** Milliseconds that a client which is turned away gets to read why. */
const GOODBYE_MS = 1_000;
/** Clients that get to read it at once; more are cut off without a word. */
const GOODBYES = 128;

/**
 * Lets connections in, as many as there may be in all and from one address. Where all are taken, an idle one of the address
 * that has most makes room. Connections that are in the middle of TLS, or that have gone over to WebSocket, count like others.
 */
export class Connections {
  private readonly limits: ConnectionLimits;
  private readonly slots: FairSlots;
  private readonly known = new WeakSet<Socket>();
  private readonly busy = new WeakMap<Socket, number>();
  /** Those that are open, and when they came. */
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
   * Watches the connections of a server from now on.
   * @param plain whether a client can be told in plain HTTP why it is turned away
   */
  watch(server: Server, plain: boolean): void {
    // What the server itself does with a connection is done with those only that are let in.
    const serve = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      if (!this.enter(socket, plain)) return;
      for (const listener of serve) listener.call(server, socket);
    });
  }

  /** Notes that a connection has a request under way; it is not ended for another then. @returns to be called at its end */
  occupy(socket: Socket): () => void {
    this.busy.set(socket, (this.busy.get(socket) ?? 0) + 1);
    return () => this.busy.set(socket, (this.busy.get(socket) ?? 1) - 1);
  }

  /** Ends connections that have been open for a moment and have no request under way: nobody is to wait for them to send one. */
  endIdle(): void {
    for (const [socket, began] of this.open) {
      const idle = (this.busy.get(socket) ?? 0) === 0;
      if (idle && this.watcher.now() - began > GOODBYE_MS) socket.destroy();
    }
  }

  /** @returns false when it has been turned away */
  private enter(socket: Socket, plain: boolean): boolean {
    // One that is given back after an offer to change the protocol comes a second time.
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
    // Nothing is parsed of what comes, the answer is the same; but left unread it would take the answer with it.
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
