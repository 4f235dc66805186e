import { Yielder } from '../lib/cooperative.ts';
import { type Bytes, FileBytes } from '../lib/file-bytes.ts';
import { DeltaError, DeltaReader } from './delta.ts';

/** Bytes of a delta in a file that are in memory at once. */
const WINDOW = 1 << 18;

/** Longest command without its literal bytes: two numbers of 32 bits have six digits each. Some write zeros before them. */
const LONGEST_COMMAND = 64;

/** Parts of a source in a file, and how many of them are in memory. */
const BLOCK = 1 << 16;
const BLOCKS_KEPT = 256;

/** Blocks that one delta may read. One that copies tiny pieces from all over a large source would read for minutes. */
const MOST_BLOCKS = 500_000;

/**
 * Applies a delta whose source, result or own bytes are too large for memory. The checksum is not compared: see `applyDelta`.
 * @param limit largest size of the result, in bytes
 * @param sink gets the result. The memory of a piece may serve again once the sink is done with it
 * @throws DeltaError; CairnError `unavailable` if a file cannot be read; what the sink throws
 */
export async function applyDeltaInPieces(
  source: Bytes,
  delta: Bytes,
  limit: number,
  sink: (piece: Uint8Array) => unknown,
): Promise<void> {
  const window = new DeltaWindow(delta);
  await window.reach(LONGEST_COMMAND);
  const reader = new DeltaReader(window.bytes, limit);
  window.at = reader.position;
  const copy = source instanceof FileBytes ? new BlockSource(source) : undefined;
  const { targetSize } = reader;
  const yielder = new Yielder();
  let made = 0;
  for (;;) {
    await window.reach(LONGEST_COMMAND);
    reader.readOn(window.bytes, window.at, window.left);
    const isCommand = reader.next();
    window.at = isCommand && !reader.copies ? reader.at : reader.position;
    if (!isCommand) break;
    if (yielder.isDueByNow) await yielder.next();
    const { at, length } = reader;
    if (reader.copies && at + length > source.length) {
      throw new DeltaError('it copies from behind the end of its source');
    }
    made += length;
    if (made > targetSize) throw new DeltaError('it makes more than it declares');
    if (!reader.copies) await window.take(length, sink);
    else if (copy === undefined) await sink((source as Uint8Array).subarray(at, at + length));
    else await copy.read(at, length, sink);
  }
  if (made !== targetSize) throw new DeltaError('it makes less than it declares');
}

/** The part of a delta that is in memory. */
class DeltaWindow {
  bytes: Uint8Array;
  /** A position in {@link bytes}. */
  at = 0;
  private readonly delta: Bytes;
  /** Where {@link bytes} is in the delta. */
  private base = 0;

  constructor(delta: Bytes) {
    this.delta = delta;
    this.bytes = delta instanceof FileBytes ? new Uint8Array(0) : delta;
  }

  /** Bytes of the delta from {@link at} on. */
  get left(): number {
    return this.delta.length - this.base - this.at;
  }

  /** Has so many bytes from the position on in memory, or all that are left. */
  async reach(size: number): Promise<void> {
    const { delta } = this;
    if (!(delta instanceof FileBytes) || this.at + Math.min(size, this.left) <= this.bytes.length) return;
    this.base += this.at;
    this.at = 0;
    this.bytes = await delta.read(this.base, this.base + WINDOW);
  }

  /** Gives the next bytes, of which as many are left. */
  async take(length: number, sink: (piece: Uint8Array) => unknown): Promise<void> {
    for (let left = length; left > 0; ) {
      await this.reach(1);
      const piece = this.bytes.subarray(this.at, this.at + left);
      await sink(piece);
      this.at += piece.length;
      left -= piece.length;
    }
  }
}

/** A source in a file, of which the blocks that were read last are in memory. */
class BlockSource {
  private readonly source: FileBytes;
  private readonly blocks = new Map<number, Buffer>();
  private reads = 0;

  constructor(source: FileBytes) {
    this.source = source;
  }

  async read(at: number, length: number, sink: (piece: Uint8Array) => unknown): Promise<void> {
    const end = at + length;
    for (let from = at; from < end; ) {
      const number = Math.floor(from / BLOCK);
      const begin = number * BLOCK;
      const block = this.blocks.get(number) ?? (await this.load(number));
      const to = Math.min(end, begin + BLOCK);
      await sink(block.subarray(from - begin, to - begin));
      from = to;
    }
  }

  private async load(number: number): Promise<Buffer> {
    this.reads++;
    if (this.reads > MOST_BLOCKS) throw new DeltaError('it copies from too many places of a large source');
    const [oldest] = this.blocks.keys();
    let room: Buffer | undefined;
    if (this.blocks.size >= BLOCKS_KEPT && oldest !== undefined) {
      room = this.blocks.get(oldest);
      this.blocks.delete(oldest);
    }
    room ??= Buffer.allocUnsafeSlow(BLOCK);
    const begin = number * BLOCK;
    await this.source.fill(room, begin, Math.min(BLOCK, this.source.length - begin));
    this.blocks.set(number, room);
    return room;
  }
}
