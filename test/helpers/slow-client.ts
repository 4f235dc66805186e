/** Clients that hold on to what they can get: they send next to nothing, or read next to nothing. */
import { connect, type Socket } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { delimiterPacket, encodePacket, flushPacket } from '../../src/git/index.ts';
import { absentId, packOf, pushHead } from './raw-git.ts';

export type SlowKind = (typeof SLOW_KINDS)[number];

export const SLOW_KINDS = [
  'silent',
  'head',
  'push-head',
  'push-start',
  'push-stalled',
  'fetch',
  'fetch-gzip',
  'reader',
  'page-reader',
  'frame',
] as const;

export interface SlowClientOptions {
  readonly kind: SlowKind;
  /** Of a repository. */
  readonly url: string;
  /** Where it calls from. */
  readonly localAddress?: string;
  /** The value of an object id that is there, for readers. */
  readonly tip?: string;
  /** Makes questions of readers differ. */
  readonly number?: number;
}

/** One connection. It sends its beginning at once, and then a byte whenever it is told to. */
export class SlowClient {
  readonly socket: Socket;
  closed = false;
  received = 0;
  /** The beginning of what it was told. */
  heard = '';
  private readonly kind: SlowKind;

  constructor(options: SlowClientOptions) {
    const { hostname, port } = new URL(options.url);
    const { localAddress } = options;
    this.kind = options.kind;
    this.socket = connect({
      host: hostname,
      port: Number(port),
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('close', () => {
      this.closed = true;
    });
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.length;
      if (this.heard.length < 1_000) this.heard += chunk.toString('latin1', 0, 1_000);
      // A reader that has seen that there is an answer reads no more of it.
      if (this.reads) this.socket.pause();
    });
    for (const bytes of beginningOf(options)) this.socket.write(bytes);
  }

  /** True until the system has taken up the connection, or refused it. */
  get connecting(): boolean {
    return this.socket.connecting;
  }

  /** Sends one byte more, or reads a little. */
  trickle(): void {
    if (this.closed) return;
    if (this.reads) this.socket.read(1);
    else if (this.kind === 'head') this.socket.write('x');
    else if (this.kind === 'frame') this.socket.write('\0');
    else if (this.kind !== 'silent') this.socket.write('1\r\n0\r\n');
  }

  destroy(): void {
    this.socket.destroy();
  }

  private get reads(): boolean {
    return this.kind === 'reader' || this.kind === 'page-reader';
  }
}

function beginningOf({
  kind,
  url,
  tip = absentId(),
  number = 0,
}: SlowClientOptions): readonly (string | Buffer)[] {
  const { pathname, host } = new URL(url);
  const post = (endpoint: string, more = '') =>
    `POST ${pathname}/${endpoint} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-${endpoint}-request\r\n` +
    `Git-Protocol: version=2\r\nTransfer-Encoding: chunked\r\n${more}\r\n`;
  const head = pushHead([{ name: `refs/heads/slow-${number}`, to: absentId() }]);
  switch (kind) {
    case 'silent':
      return [];
    case 'head':
      return [`GET ${pathname}/info/refs HTTP/1.1\r\nX-Slow: `];
    case 'push-head':
      return [post('git-receive-pack'), chunkOf(head.subarray(0, 40))];
    case 'push-start':
      return [post('git-receive-pack'), chunkOf(head), startOfPack()];
    case 'push-stalled':
      return [post('git-receive-pack'), chunkOf(head), mostOfPack()];
    case 'fetch':
      return [post('git-upload-pack'), chunkOf(encodePacket('command=fetch\n'))];
    case 'fetch-gzip':
      return [
        post('git-upload-pack', 'Content-Encoding: gzip\r\n'),
        chunkOf(
          Buffer.concat([Buffer.from('1f8b0800000000000003', 'hex'), deflateRawSync('x').subarray(0, 1)]),
        ),
      ];
    case 'reader':
      return [
        post('git-upload-pack'),
        chunkOf(
          Buffer.concat([
            encodePacket('command=fetch\n'),
            delimiterPacket,
            encodePacket(`want ${tip}\n`),
            // Not there, so that the answer is the same and the question is not.
            encodePacket(`have ${number.toString(16).padStart(40, 'e')}\n`),
            encodePacket('done\n'),
            flushPacket,
          ]),
        ),
        '0\r\n\r\n',
      ];
    case 'page-reader':
      return [`GET /metrics HTTP/1.1\r\nHost: ${host}\r\n\r\n`];
    case 'frame':
      return [
        `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        // A text of 100,000 bytes, masked, of which none come.
        Buffer.from('81ff00000000000186a000000000', 'hex'),
      ];
  }
}

export function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

/** A pack of 3 MiB that cannot be compressed. */
export const bigPack = once(() => {
  const content = Buffer.alloc(3 * 2 ** 20);
  let state = 1;
  for (let at = 0; at < content.length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    content[at] = state >>> 24;
  }
  return packOf([{ type: 'blob', content }]);
});

// Chunks that thousands of clients send are made once.
const startOfPack = once(() => chunkOf(bigPack().subarray(0, 1_000)));
const mostOfPack = once(() => chunkOf(bigPack().subarray(0, 2 ** 21)));

function once(make: () => Buffer): () => Buffer {
  let made: Buffer | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
