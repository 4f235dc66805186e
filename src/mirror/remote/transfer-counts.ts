import type { Service } from '../../git/index.ts';
import type { Connection, OpenOptions, RequestBody, Session } from './connection.ts';
import type { PacketStream } from './packet-stream.ts';
import type { RemoteAddress } from './remote-address.ts';

/** What went to and came from one remote. Bytes are those of advertisements, requests and answers, without HTTP's headers. */
export interface TransferCounts {
  /** Advertisements that were asked for, and requests that were sent. */
  readonly requests: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Counts what goes through a connection. */
export class CountedConnection implements Connection {
  readonly counts = { requests: 0, sentBytes: 0, receivedBytes: 0 };
  private readonly inner: Connection;

  constructor(inner: Connection) {
    this.inner = inner;
  }

  get address(): RemoteAddress {
    return this.inner.address;
  }

  async open(service: Service, options: OpenOptions): Promise<Session> {
    this.counts.requests += 1;
    const session = await this.inner.open(service, options);
    this.count(session.advertisement);
    return {
      advertisement: session.advertisement,
      stateless: session.stateless,
      request: async (body, requestOptions) => {
        this.counts.requests += 1;
        const packets = await session.request(this.counted(body), requestOptions);
        return this.count(packets);
      },
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    };
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.inner[Symbol.asyncDispose]();
  }

  private count(packets: PacketStream): PacketStream {
    packets.onRead = (bytes) => {
      this.counts.receivedBytes += bytes;
    };
    return packets;
  }

  private counted(body: RequestBody): RequestBody {
    if (!Buffer.isBuffer(body)) return this.countedChunks(body);
    this.counts.sentBytes += body.length;
    return body;
  }

  private async *countedChunks(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const chunk of body) {
      this.counts.sentBytes += chunk.length;
      yield chunk;
    }
  }
}
