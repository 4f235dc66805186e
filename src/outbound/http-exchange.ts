import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { writeChunk } from '../lib/streams.ts';
import type { HttpAnswer, HttpRequest } from './http-transport.ts';
import { readBeforeFailing } from './read-before-failing.ts';
import { SentBody } from './sent-body.ts';
import { type WaitingTimes, Watchdog } from './waiting-times.ts';

export interface ExchangeOptions {
  readonly agent: Agent;
  readonly times: WaitingTimes;
  /** Is told what becomes of the request. */
  readonly trace: (event: string) => void;
  readonly onConnected: () => void;
  /** For how many milliseconds a connection was idle; undefined for a new one. */
  readonly idleTime: (socket: Socket) => number | undefined;
}

/** Milliseconds between probes of an idle connection. */
const KEEP_ALIVE_MS = 30_000;
/** Interim answers (RFC 9110, section 15.2) before the answer: `100 Continue`, `103 Early Hints`. Honest servers send one or two. */
const MOST_INTERIM = 100;

/** What a server sends is no answer of HTTP that anybody could wait for. */
export class NotHttp extends Error {}

/** One request and its answer. */
export class HttpExchange {
  /** True once it got a connection that another request had used. */
  reused = false;
  private readonly request: HttpRequest;
  private readonly options: ExchangeOptions;
  private readonly outgoing: ClientRequest;
  private readonly body: SentBody | undefined;
  private readonly silence: Watchdog;
  private connecting: Watchdog | undefined;
  private interim = 0;
  /** True while somebody waits for the next bytes of the answer. */
  private answerIsRead = true;
  private readonly onAbort = () => this.fail(this.request.signal.reason);
  private failure: { readonly error: unknown } | undefined;

  constructor(request: HttpRequest, options: ExchangeOptions) {
    const { url, method, headers, body, signal } = request;
    const { times, agent } = options;
    this.request = request;
    this.options = options;
    this.body = body === undefined || Buffer.isBuffer(body) ? undefined : new SentBody(body);
    const length = Buffer.isBuffer(body) ? { 'Content-Length': String(body.length) } : {};
    this.outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method,
      agent,
      headers: { ...headers, ...length },
    });
    this.outgoing.once('socket', (socket: Socket) => this.watch(socket));
    this.silence = new Watchdog(
      method === 'GET' ? times.advertisement : times.silence,
      () => this.connecting !== undefined || this.body?.waiting === true || !this.answerIsRead,
      (seconds) => this.fail(timedOut(`nothing has moved for ${seconds} s`)),
    );
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  /** Sends the request. @returns the answer once its headers are there. @throws as `HttpTransport.send` */
  async send(): Promise<HttpAnswer> {
    const { outgoing, request, body } = this;
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      // After the answer has begun, reading it tells of the error.
      outgoing.on('error', (error) => {
        this.failure ??= { error };
        reject(error);
      });
      outgoing.once('close', () => reject(brokenOff()));
    });
    outgoing.once('finish', () => this.options.trace('request written'));
    outgoing.on('information', () => this.countInterim());
    try {
      if (request.signal.aborted) this.fail(request.signal.reason);
      else if (body === undefined) outgoing.end(request.body);
      // A body that fails ends the request, and the answer tells of it.
      else void this.sendBody(body);
      const incoming = await answered;
      this.silence.moved();
      this.options.trace(`first byte of the answer, status ${incoming.statusCode}`);
      return this.answerOf(incoming);
    } catch (error) {
      this.end();
      throw this.cause(error);
    }
  }

  private countInterim(): void {
    this.interim += 1;
    if (this.interim > MOST_INTERIM)
      this.fail(new NotHttp(`more than ${MOST_INTERIM} interim answers (status 1xx) came before the answer`));
  }

  private watch(socket: Socket): void {
    const { trace, times, idleTime, onConnected } = this.options;
    const idle = idleTime(socket);
    if (this.body !== undefined) readBeforeFailing(socket);
    if (idle !== undefined && this.outgoing.reusedSocket) {
      this.reused = true;
      trace(`connection reused, ${Math.round(idle)} ms idle`);
      return;
    }
    trace('connection new');
    // While a server works in silence, what is in between sees that somebody still waits.
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    onConnected();
    this.connecting = new Watchdog(
      times.connect,
      () => false,
      (seconds) => this.fail(notConnected(seconds)),
    );
    const connected = () => {
      this.connecting?.stop();
      this.connecting = undefined;
      this.silence.moved();
    };
    const secure = this.request.url.protocol === 'https:';
    socket.once('lookup', (_error: unknown, address: string) => trace(`name found: ${address}`));
    socket.once('connect', () => {
      trace(`connected to ${socket.remoteAddress} port ${socket.remotePort}`);
      if (!secure) connected();
    });
    socket.once('secureConnect', () => {
      trace('TLS agreed');
      connected();
    });
    socket.once('close', connected);
  }

  /** Never throws: a body that fails ends the request. */
  private async sendBody(body: SentBody): Promise<void> {
    for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
      if (!(await writeChunk(this.outgoing, chunk))) {
        body.close();
        return;
      }
      this.silence.moved();
    }
    if (body.failure !== undefined) this.fail(body.failure.error);
    else if (!this.outgoing.destroyed) this.outgoing.end();
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
          this.silence.moved();
        }
      },
      return: async () => {
        if (!incoming.readableEnded) {
          incoming.destroy();
          this.options.trace('answer given up');
        }
        this.end();
        return { done: true, value: undefined };
      },
    };
    return {
      status: incoming.statusCode ?? 0,
      headers: joinedHeaders(incoming),
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
    this.silence.stop();
    this.connecting?.stop();
    this.body?.close();
    this.request.signal.removeEventListener('abort', this.onAbort);
  }
}

function joinedHeaders({ headersDistinct }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headersDistinct).map(([name, values = []]) => [name, values.join(', ')]);
  return Object.fromEntries(entries);
}

function brokenOff(): Error {
  return Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' });
}

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}

/** In the form of an error of the kernel: `connect` means that nothing was sent. */
function notConnected(seconds: number): Error {
  return Object.assign(timedOut(`no connection within ${seconds} s`), { syscall: 'connect' });
}
