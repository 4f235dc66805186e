import { type Packet, PacketReader } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';

/** Packets that are read one after another from a stream, and the bytes between and after them. */
export class PacketStream {
  private readonly chunks: AsyncIterator<Buffer>;
  private reader = new PacketReader();
  private ended = false;

  /** @param source read at the pace of the reader; what it throws is thrown by every method */
  constructor(source: AsyncIterable<Buffer>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /**
   * The next packet; undefined at the end of the stream. Its payload is valid until the next call.
   * @throws CairnError `corrupt` for a malformed packet, or when the stream ends within one
   */
  async next(): Promise<Packet | undefined> {
    for (;;) {
      const packet = this.nextBuffered();
      if (packet !== undefined) return packet;
      if (!(await this.fill())) {
        if (this.reader.buffered > 0) throw cutOff();
        return undefined;
      }
    }
  }

  /**
   * The next packet, where the protocol requires one.
   * @throws CairnError `corrupt` at the end of the stream, too
   */
  async mustNext(): Promise<Packet> {
    const packet = await this.next();
    if (packet === undefined) throw cutOff();
    return packet;
  }

  /** All bytes that are left, piece by piece, without looking at them. */
  async *rest(): AsyncGenerator<Buffer, void> {
    const buffered = this.reader.takeRest();
    if (buffered.length > 0) yield buffered;
    for (let chunk = await this.read(); chunk !== undefined; chunk = await this.read()) yield chunk;
  }

  /** Ends the source. Nothing can be read after it. */
  async close(): Promise<void> {
    this.ended = true;
    await this.chunks.return?.();
  }

  private nextBuffered(): Packet | undefined {
    try {
      return this.reader.next();
    } catch (error) {
      throw new CairnError('corrupt', error instanceof Error ? error.message : 'malformed packet', {
        cause: error,
      });
    }
  }

  private async fill(): Promise<boolean> {
    const chunk = await this.read();
    if (chunk !== undefined) this.reader.push(chunk);
    return chunk !== undefined;
  }

  /** The next bytes of the source; undefined at its end. */
  private async read(): Promise<Buffer | undefined> {
    if (this.ended) return undefined;
    const step = await this.chunks.next();
    if (step.done) {
      this.ended = true;
      return undefined;
    }
    return step.value;
  }
}

function cutOff(): CairnError {
  return new CairnError('corrupt', 'the answer was cut off');
}
