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

/**
 * Connection pools with limits on progress, not on total time: a large object may take as long as it keeps moving.
 * A download that stands still because its reader is slow is left alone; that is the reader's time limit to set.
 */
export function watchedAgents(limits: AgentLimits): { readonly http: HttpAgent; readonly https: HttpsAgent } {
  const options: AgentOptions = { keepAlive: true, maxSockets: limits.sockets, timeout: limits.noProgress };
  return { http: watch(new HttpAgent(options), limits), https: watch(new HttpsAgent(options), limits) };
}

function watch<A extends HttpAgent>(agent: A, limits: AgentLimits): A {
  const createConnection = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = createConnection(options, callback);
    if (socket !== undefined && socket !== null) watchSocket(socket as Socket, limits);
    return socket;
  };
  const reuseSocket = agent.reuseSocket.bind(agent);
  agent.reuseSocket = (socket: Duplex, request: ClientRequest) => {
    reuseSocket(socket, request);
    // While it was idle the agent may have set the shorter time the server announced for idle connections.
    (socket as Socket).setTimeout(limits.noProgress);
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
    if (socket.isPaused()) socket.setTimeout(limits.noProgress);
    else socket.destroy(timedOut(`no progress for ${limits.noProgress} ms`));
  });
}

/** What connections that ran out of time fail with: `code` is ETIMEDOUT. */
function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}
