import { isIP } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { AddressGuard } from './address-guard.ts';
import { BriefAgents } from './brief-agents.ts';
import { HttpExchange } from './http-exchange.ts';
import { HttpTrace, type TraceSink } from './http-trace.ts';
import type { HttpAnswer, HttpRequest, HttpTransport } from './http-transport.ts';
import { WAITING_TIMES, type WaitingTimes } from './waiting-times.ts';

export interface NodeTransportOptions {
  readonly clock: Clock;
  readonly waitingTimes?: Partial<WaitingTimes>;
  /** Decides which addresses are connected to; every one if absent. */
  readonly guard?: AddressGuard;
  /** True to accept any certificate. */
  readonly insecureTls?: boolean;
  readonly trace?: TraceSink;
  /** Is called for each connection that is made. */
  readonly onConnected?: () => void;
}

/** HTTP and HTTPS over the network. */
export class NodeTransport implements HttpTransport {
  private readonly times: WaitingTimes;
  private readonly guard: AddressGuard | undefined;
  private readonly agents: BriefAgents;
  private readonly trace: HttpTrace | undefined;
  private readonly onConnected: () => void;

  constructor(options: NodeTransportOptions) {
    const { clock, guard, trace, insecureTls = false } = options;
    this.onConnected = options.onConnected ?? (() => undefined);
    this.times = { ...WAITING_TIMES, ...options.waitingTimes };
    this.guard = guard;
    this.agents = new BriefAgents({ clock, insecureTls, lookup: guard?.lookup });
    this.trace = trace === undefined ? undefined : new HttpTrace(trace, clock);
  }

  async send(request: HttpRequest): Promise<HttpAnswer> {
    // Names are checked when they are looked up. An address is not looked up.
    if (isAddress(request.url)) await this.guard?.resolve(hostOf(request.url));
    const exchange = this.begin(request, request.reuse);
    try {
      return await exchange.send();
    } catch (error) {
      // The server may have closed the connection just when it was used again.
      if (!exchange.reused || request.signal.aborted) throw error;
      return await this.begin(request, false).send();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agents.close();
  }

  private begin(request: HttpRequest, reuse: boolean): HttpExchange {
    const { agents, times, trace } = this;
    return new HttpExchange(request, {
      agent: agents.agentFor(request.url, reuse),
      times,
      onConnected: this.onConnected,
      trace: trace?.begin(request.method, request.url, request.headers) ?? (() => undefined),
      idleTime: (socket) => agents.idleTime(socket),
    });
  }
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function isAddress(url: URL): boolean {
  return isIP(hostOf(url)) !== 0;
}
