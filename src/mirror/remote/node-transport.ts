import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Clock } from '../../lib/clock.ts';
import { HttpExchange } from './http-exchange.ts';
import type { HttpAnswer, HttpRequest, HttpTransport } from './http-transport.ts';
import { WAITING_TIMES, type WaitingTimes } from './waiting-times.ts';

export interface NodeTransportOptions {
  readonly clock: Clock;
  readonly waitingTimes?: Partial<WaitingTimes>;
}

/** HTTP and HTTPS over the network. */
export class NodeTransport implements HttpTransport {
  private readonly times: WaitingTimes;
  private readonly agents = {
    http: new HttpAgent({ keepAlive: false }),
    https: new HttpsAgent({ keepAlive: false }),
  };

  constructor(options: NodeTransportOptions) {
    this.times = { ...WAITING_TIMES, ...options.waitingTimes };
  }

  async send(request: HttpRequest): Promise<HttpAnswer> {
    const agent = request.url.protocol === 'https:' ? this.agents.https : this.agents.http;
    const silence = request.method === 'GET' ? this.times.advertisement : this.times.silence;
    return new HttpExchange(request, { agent, silence, trace: undefined }).send();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agents.http.destroy();
    this.agents.https.destroy();
  }
}
