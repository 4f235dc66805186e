import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { writeChunk } from '../../lib/streams.ts';
import type { HttpAnswer, HttpRequest } from './http-transport.ts';
import { SentBody } from './sent-body.ts';
import { Watchdog } from './waiting-times.ts';

export interface ExchangeOptions {
  readonly agent: Agent;
  /** See `WaitingTimes.silence`; in milliseconds. */
  readonly silence: number;
  /** Is told what becomes of the request. */
  readonly trace: ((event: string) => void) | undefined;
}

/** One request and its answer. */
export class HttpExchange {
  private readonly request: HttpRequest;
  private readonly outgoing: ClientRequest;
  private readonly body: SentBody | undefined;
  private readonly watchdog: Watchdog;
  private readonly trace: (event: string) => void;
  /** True while somebody waits for the next bytes of the answer. */
  private answerIsRead = true;
  private readonly onAbort = () => this.fail(this.request.signal.reason);
  private failure: { readonly error: unknown } | undefined;

  constructor(request: HttpRequest, options: ExchangeOptions) {
    const { url, method, headers, body, signal } = request;
    this.request = request;
    this.trace = options.trace ?? (() => undefined);
    this.body = body === undefined || Buffer.isBuffer(body) ? undefined : new SentBody(body);
    const length = Buffer.isBuffer(body) ? { 'Content-Length': String(body.length) } : {};
    this.outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method,
      agent: options.agent,
      headers: { ...headers, ...length },
    });
    this.watchdog = new Watchdog(
      options.silence,
      () => this.body?.waiting === true || !this.answerIsRead,
      () => this.fail(timedOut(`nothing has moved for ${Math.round(options.silence / 1000)} s`)),
    );
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  /** Sends the request. @returns the answer once its headers are there. @throws as `HttpTransport.send` */
  async send(): Promise<HttpAnswer> {
    const { outgoing, request } = this;
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      // After the answer has begun, reading it tells of errors.
      outgoing.on('error', reject);
      outgoing.once('close', () => reject(brokenOff()));
    });
    outgoing.once('finish', () => this.trace('request written'));
    if (request.signal.aborted) this.fail(request.signal.reason);
    try {
      const sending = this.body === undefined ? outgoing.end(request.body) : this.sendBody(this.body);
      const incoming = await answered;
      this.watchdog.moved();
      this.trace(`first byte, status ${incoming.statusCode}`);
      // Errors of sending end the request, so the answer tells of them.
      void sending;
      return this.answerOf(incoming);
    } catch (error) {
      this.end();
      throw this.cause(error);
    }
  }

  /** Never throws: a body that fails ends the request. */
  private async sendBody(body: SentBody): Promise<void> {
    for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
      if (!(await writeChunk(this.outgoing, chunk))) {
        body.close();
        return;
      }
      this.watchdog.moved();
    }
    if (body.failure === undefined) this.outgoing.end();
    else this.fail(body.failure.error);
  }

  private answerOf(incoming: IncomingMessage): HttpAnswer {
    const chunks = incoming[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    // Reading tells of errors; without a listener one that comes between two reads would end the process.
    incoming.on('error', () => undefined);
    incoming.once('close', () => this.end());
    this.answerIsRead = false;
    const body: AsyncIterator<Buffer> = {
      next: async () => {
        this.answerIsRead = true;
        try {
          return await chunks.next();
        } catch (error) {
          throw this.cause(error);
        } finally {
          this.answerIsRead = false;
          this.watchdog.moved();
        }
      },
      return: async () => {
        if (!incoming.readableEnded) incoming.destroy();
        this.end();
        return { done: true, value: undefined };
      },
    };
    return {
      status: incoming.statusCode ?? 0,
      headers: oneOfEach(incoming),
      body: { [Symbol.asyncIterator]: () => body },
    };
  }

  /** The first thing that went wrong: what the network says afterwards only follows from it. */
  private cause(error: unknown): unknown {
    return (this.failure ?? { error }).error;
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
    this.outgoing.destroy(error instanceof Error ? error : brokenOff());
    this.end();
  }

  private end(): void {
    this.watchdog.stop();
    this.body?.close();
    this.request.signal.removeEventListener('abort', this.onAbort);
  }
}

function oneOfEach({ headersDistinct }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headersDistinct).map(([name, values = []]) => [name, values.join(', ')]);
  return Object.fromEntries(entries);
}

function brokenOff(): Error {
  return Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' });
}

/** The error of something that took too long: `code` is ETIMEDOUT. */
export function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}
