import { type Packet, type PacketPart, PacketReader } from '../../git/index.ts';
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
  next(): Promise<Packet | undefined> {
    return this.read(() => this.reader.next());
  }

  /**
   * The next packet, or as much of it as has come. The `missing` bytes of its payload are read by {@link missingBytes}.
   * @throws CairnError as {@link mustNext}
   */
  async mustNextPart(): Promise<PacketPart> {
    return must(await this.read(() => this.reader.nextPart()));
  }

  /**
   * As {@link mustNextPart}, of what has come already; undefined when more has to be waited for.
   * @throws CairnError `corrupt` for a malformed packet
   */
  partAtHand(): PacketPart | undefined {
    return wellFormed(() => this.reader.nextPart());
  }

  /**
   * The bytes that a part of a packet lacks, piece by piece.
   * @throws CairnError `corrupt` when the stream ends before them
   */
  async *missingBytes(missing: number): AsyncGenerator<Buffer, void> {
    for (let left = missing; left > 0; ) {
      const piece = this.reader.takeSome(left);
      left -= piece.length;
      if (piece.length > 0) yield piece;
      else if (!(await this.fill())) throw cutOff();
    }
  }

  /**
   * The next packet, where the protocol requires one.
   * @throws CairnError `corrupt` at the end of the stream, too
   */
  async mustNext(): Promise<Packet> {
    return must(await this.next());
  }

  /** All bytes that are left, piece by piece, without looking at them. */
  async *rest(): AsyncGenerator<Buffer, void> {
    const buffered = this.reader.takeRest();
    if (buffered.length > 0) yield buffered;
    for (let chunk = await this.readChunk(); chunk !== undefined; chunk = await this.readChunk()) yield chunk;
  }

  /** Ends the source. Nothing can be read after it. */
  async close(): Promise<void> {
    this.ended = true;
    await this.chunks.return?.();
  }

  private async read<T>(buffered: () => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = wellFormed(buffered);
      if (found !== undefined) return found;
      if (!(await this.fill())) {
        if (this.reader.buffered > 0) throw cutOff();
        return undefined;
      }
    }
  }

  private async fill(): Promise<boolean> {
    const chunk = await this.readChunk();
    if (chunk !== undefined) this.reader.push(chunk);
    return chunk !== undefined;
  }

  /** The next bytes of the source; undefined at its end. */
  private async readChunk(): Promise<Buffer | undefined> {
    if (this.ended) return undefined;
    const step = await this.chunks.next();
    if (step.done) {
      this.ended = true;
      return undefined;
    }
    return step.value;
  }
}

function wellFormed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = error instanceof Error ? error.message : 'malformed packet';
    throw new CairnError('corrupt', message, { cause: error });
  }
}

function must<T>(found: T | undefined): T {
  if (found === undefined) throw cutOff();
  return found;
}

function cutOff(): CairnError {
  return new CairnError('corrupt', 'the answer was cut off');
}
