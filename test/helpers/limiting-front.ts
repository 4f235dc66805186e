/** A proxy in front of a git server that limits how long a push may be, in the ways of servers, proxies and networks. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/**
 * What becomes of a push whose body has more bytes than the limit.
 * - `413`: refused as soon as it is too long; the rest is not read
 * - `413-late`: refused after all of it was read
 * - `stated`: refused with the limit in the text
 * - `408`, `504`: the server waits no longer
 * - `cut`: the connection is closed
 */
export type LimitStyle = '413' | '413-late' | 'stated' | '408' | '504' | 'cut';

/** What is sent in place of an answer: nothing, if it is true; false is the answer itself. */
export type Instead = boolean | { readonly status?: number; readonly body: string | Buffer };

export interface FrontRules {
  /** Bytes of a body. */
  limit: number;
  style: LimitStyle;
  /** Called when a push begins, which goes to the server once that is done. */
  onBegun?: (() => Promise<void>) | undefined;
  /** Called with each piece of a push that goes by, and the bytes until then; returns true to close the connection. */
  onPushed?: ((bytes: number) => boolean) | undefined;
  /**
   * Called when the server has answered a push and is done with it, before the answer is handed on; returns true to close the
   * connection instead, or another answer.
   */
  onAnswered?: ((body: Buffer) => Instead | Promise<Instead>) | undefined;
}

export interface LimitingFront extends AsyncDisposable {
  readonly url: string;
  /** May be changed at any time. */
  readonly rules: FrontRules;
  /** Bytes of each push whose body went to the server whole. */
  readonly pushed: readonly number[];
  /** Names of the refs of the same pushes. */
  readonly names: readonly (readonly string[])[];
  /** How many pushes were refused or cut off. */
  refused: number;
  /** True closes every connection, as long as it is true. */
  isDown: boolean;
}

/** @param behind URL of the server, without a slash at the end */
export async function startLimitingFront(behind: string, first: FrontRules): Promise<LimitingFront> {
  const rules = { ...first };
  const pushed: number[] = [];
  const names: string[][] = [];
  const server = createServer((incoming, response) => {
    incoming.on('error', () => undefined);
    if (front.isDown) {
      incoming.socket.destroy();
      return;
    }
    const isPush = incoming.method === 'POST' && incoming.url?.endsWith('/git-receive-pack') === true;
    const outgoing = httpRequest(`${behind}${incoming.url}`, {
      method: incoming.method,
      headers: incoming.headers,
    });
    outgoing.on('error', () => response.destroy());
    outgoing.on('response', (answer) => {
      if (isPush && rules.onAnswered !== undefined) {
        handOn(answer, response).catch(() => response.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    response.on('close', () => outgoing.destroy());
    if (isPush) void push(incoming, outgoing, response);
    else incoming.pipe(outgoing);
  });
  const front: LimitingFront = {
    url: '',
    rules,
    pushed,
    names,
    refused: 0,
    isDown: false,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  // A machine that is busy with other tests may come back to an idle connection late.
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(front, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });

  async function handOn(answer: IncomingMessage, response: ServerResponse): Promise<void> {
    // Git begins its answer before it has done anything.
    const body = await buffer(answer);
    const instead = (await rules.onAnswered?.(body)) ?? false;
    const { statusCode = 500, headers } = answer;
    if (instead === true) response.destroy();
    else if (instead === false) response.writeHead(statusCode, headers).end(body);
    else response.writeHead(instead.status ?? statusCode, headers).end(instead.body);
  }

  async function push(
    incoming: IncomingMessage,
    outgoing: ReturnType<typeof httpRequest>,
    response: ServerResponse,
  ): Promise<void> {
    let bytes = 0;
    let head = '';
    try {
      await rules.onBegun?.();
      for await (const chunk of incoming as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (head.length < 16_384) head += chunk.toString('latin1');
        if (rules.onPushed?.(bytes) === true) {
          front.refused += 1;
          incoming.socket.destroy();
          return;
        }
        if (bytes <= rules.limit) outgoing.write(chunk);
        else if (rules.style !== '413-late') break;
      }
      if (bytes <= rules.limit) {
        pushed.push(bytes);
        names.push(
          [
            ...head.matchAll(
              /[0-9a-f]{40,64} [0-9a-f]{40,64} (refs\/[!-~]+?)(?=\0|0000|00[0-9a-f]{2}[0-9a-f]{40} )/g,
            ),
          ].map(([, name = '']) => name),
        );
        outgoing.end();
        return;
      }
      front.refused += 1;
      outgoing.destroy();
      refuse(incoming, response);
    } catch {
      // The client has closed the connection.
      outgoing.destroy();
    }
  }

  function refuse(incoming: IncomingMessage, response: ServerResponse): void {
    const { style, limit } = rules;
    if (style === 'cut') {
      incoming.socket.destroy();
      return;
    }
    const status = style === '408' || style === '504' ? Number(style) : 413;
    response.writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close' });
    response.end(style === 'stated' ? `body exceeded size limit ${limit}\n` : 'no\n');
  }
}
