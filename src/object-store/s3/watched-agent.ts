import { type AgentOptions, type ClientRequest, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface AgentLimits {
  /** Most connections at once; further requests wait. */
  readonly sockets: number;
  /** Milliseconds until a connection must be there. */
  readonly connect: number;
  /** Milliseconds without a byte in either direction after which a request is given up. */
  readonly noProgress: number;
}

export interface WatchedAgents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
  /** Closes connections that were idle for long. To be called before each request. */
  dropIdle(): void;
}

/**
 * Servers close idle connections, some after 5 s, and a write that meets the close on its way has an unknown outcome.
 * So this side closes first. A timer alone would not do: after a busy moment it fires too late.
 */
const IDLE_MS = 3_000;

const SECOND_LOOK_MS = 50;

/** When a connection became idle. */
const idleSince = new WeakMap<object, number>();

/**
 * Connection pools with limits on progress, not on total time: a large object may take as long as it keeps moving.
 * A download that stands still because its reader is slow is left alone; that is the reader's time limit to set.
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
    // The declared type says nothing, but the agent closes a socket for which this is not true.
    return kept as undefined;
  };
  const reuseSocket = agent.reuseSocket.bind(agent);
  agent.reuseSocket = (socket: Duplex, request: ClientRequest) => {
    reuseSocket(socket, request);
    (socket as Socket).setTimeout(limits.noProgress);
    // What was idle together was closed together: another attempt must not find the next dead connection.
    request.once('error', () => dropIdleSockets(agent, 0));
  };
  return agent;
}

function watchSocket(socket: Socket, limits: AgentLimits): void {
  const connecting = setTimeout(() => {
    // As the kernel says it when it gives up by itself: from `connect` it follows that nothing was sent.
    socket.destroy(
      Object.assign(timedOut(`no connection within ${limits.connect} ms`), { syscall: 'connect' }),
    );
  }, limits.connect);
  const connected = () => clearTimeout(connecting);
  socket.once('connect', connected);
  socket.once('close', connected);
  socket.on('timeout', () => {
    // A process that was busy runs its timers before it looks at what has arrived meanwhile: so look again.
    const { bytesRead, bytesWritten } = socket;
    setTimeout(() => {
      const moved = socket.bytesRead !== bytesRead || socket.bytesWritten !== bytesWritten;
      if (moved || socket.isPaused()) socket.setTimeout(limits.noProgress);
      else socket.destroy(timedOut(`no progress for ${limits.noProgress} ms`));
    }, SECOND_LOOK_MS);
  });
}

/** What connections that ran out of time fail with: `code` is ETIMEDOUT. */
function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}
