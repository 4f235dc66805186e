import { type AgentOptions, type ClientRequest, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface AgentLimits {
  /** Most connections at once; further requests wait. */
  readonly sockets: number;
  /** Milliseconds within which a connection must be established. */
  readonly connect: number;
  /** A request is given up after this many milliseconds without a byte in either direction. */
  readonly noProgress: number;
}

export interface WatchedAgents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
  /** Closes connections that have been idle for long. To be called before each request. */
  dropIdle(): void;
}

/**
 * Servers close idle connections, some after 5 s. A write that crosses such a close has an unknown outcome, so the
 * client closes first. A timer alone is not enough: after a busy moment it fires too late.
 */
const IDLE_MS = 3_000;

const SECOND_LOOK_MS = 50;

/** When a connection became idle. */
const idleSince = new WeakMap<object, number>();

/**
 * Connection pools with limits on progress, not on total time: a large object may take long while bytes move. A
 * download that stalls because its reader is slow is not limited here; the reader sets that limit.
 */
export function watchedAgents(limits: AgentLimits): WatchedAgents {
  const options: AgentOptions = { keepAlive: true, maxSockets: limits.sockets, timeout: limits.noProgress };
  const http = watch(new HttpAgent(options), limits);
  const https = watch(new HttpsAgent(options), limits);
  const dropIdle = () => {
    dropIdleSockets(http, IDLE_MS);
    dropIdleSockets(https, IDLE_MS);
  };
  return { http, https, dropIdle };
}

function dropIdleSockets(agent: HttpAgent, age: number): void {
  const latest = performance.now() - age;
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) {
      if ((idleSince.get(socket) ?? 0) <= latest) socket.destroy();
    }
  }
}

function watch<A extends HttpAgent>(agent: A, limits: AgentLimits): A {
  const createConnection = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = createConnection(options, callback);
    if (socket !== undefined && socket !== null) watchSocket(socket as Socket, limits);
    return socket;
  };
  const keepSocketAlive = agent.keepSocketAlive.bind(agent);
  agent.keepSocketAlive = (socket: Duplex) => {
    idleSince.set(socket, performance.now());
    const kept: unknown = keepSocketAlive(socket);
    (socket as Socket).setTimeout(IDLE_MS);
    // The declared type is void, but the agent closes a socket for which this does not return true.
    return kept as undefined;
  };
  const reuseSocket = agent.reuseSocket.bind(agent);
  agent.reuseSocket = (socket: Duplex, request: ClientRequest) => {
    reuseSocket(socket, request);
    (socket as Socket).setTimeout(limits.noProgress);
    // Connections that were idle together were probably closed together: the next attempt must not use another dead
    // connection.
    request.once('error', () => dropIdleSockets(agent, 0));
  };
  return agent;
}

function watchSocket(socket: Socket, limits: AgentLimits): void {
  const connecting = setTimeout(() => {
    // The same error as from the kernel when it gives up: `connect` means that nothing was sent.
    socket.destroy(
      Object.assign(timedOut(`no connection within ${limits.connect} ms`), { syscall: 'connect' }),
    );
  }, limits.connect);
  const connected = () => clearTimeout(connecting);
  socket.once('connect', connected);
  socket.once('close', connected);
  socket.on('timeout', () => {
    // A busy process runs timers before it reads what has arrived. So check again a little later.
    const { bytesRead, bytesWritten } = socket;
    setTimeout(() => {
      const moved = socket.bytesRead !== bytesRead || socket.bytesWritten !== bytesWritten;
      if (moved || socket.isPaused()) socket.setTimeout(limits.noProgress);
      else socket.destroy(timedOut(`no progress for ${limits.noProgress} ms`));
    }, SECOND_LOOK_MS);
  });
}

/** The error of a connection that timed out: `code` is ETIMEDOUT. */
function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}
