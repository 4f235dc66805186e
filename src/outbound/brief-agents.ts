import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';

/**
 * Milliseconds for which an idle connection may be used again. Servers and the networks in front of them close idle connections,
 * some after 5 s, some without a word. Requests that follow one another find the connection open; after a gap it is made anew.
 */
const IDLE_MS = 2_000;

export interface BriefAgentsOptions {
  readonly clock: Clock;
  readonly lookup: LookupFunction | undefined;
  /** True to accept any certificate. */
  readonly insecureTls: boolean;
}

/** Connections for requests, which are idle for a short time only. */
export class BriefAgents {
  private readonly clock: Clock;
  private readonly idleSince = new WeakMap<object, number>();
  private readonly kept: readonly [http: HttpAgent, https: HttpsAgent];
  private readonly fresh: readonly [http: HttpAgent, https: HttpsAgent];

  constructor({ clock, lookup, insecureTls }: BriefAgentsOptions) {
    this.clock = clock;
    const common: AgentOptions = lookup === undefined ? {} : { lookup };
    const tls = insecureTls ? { rejectUnauthorized: false } : {};
    // The time-out closes idle connections. While one is used, exchanges have time-outs of their own.
    const keep = { ...common, keepAlive: true, maxFreeSockets: 2, timeout: IDLE_MS };
    this.kept = [this.watched(new HttpAgent(keep)), this.watched(new HttpsAgent({ ...keep, ...tls }))];
    const once = { ...common, keepAlive: false };
    this.fresh = [new HttpAgent(once), new HttpsAgent({ ...once, ...tls })];
  }

  /**
   * The agent for a request.
   * @param reuse whether it may get a connection that was idle
   */
  agentFor(url: URL, reuse: boolean): HttpAgent {
    const [http, https] = reuse ? this.kept : this.fresh;
    if (reuse) this.dropIdle();
    return url.protocol === 'https:' ? https : http;
  }

  /** For how many milliseconds a connection was idle before it was used again; undefined for a new one. */
  idleTime(socket: object): number | undefined {
    const since = this.idleSince.get(socket);
    return since === undefined ? undefined : this.clock.monotonic() - since;
  }

  close(): void {
    for (const agent of [...this.kept, ...this.fresh]) agent.destroy();
  }

  /** Timers are late after a busy moment: then connections are still here that should be gone. */
  private dropIdle(): void {
    const latest = this.clock.monotonic() - IDLE_MS;
    for (const agent of this.kept) {
      for (const socket of Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? [])) {
        if ((this.idleSince.get(socket) ?? 0) <= latest) socket.destroy();
      }
    }
  }

  private watched<A extends HttpAgent>(agent: A): A {
    const keepSocketAlive = agent.keepSocketAlive.bind(agent);
    agent.keepSocketAlive = (socket: Duplex) => {
      this.idleSince.set(socket, this.clock.monotonic());
      // The declared type is void, but the agent closes a socket for which this does not return true.
      return keepSocketAlive(socket);
    };
    return agent;
  }
}
