import { CairnError } from '../../lib/errors.ts';
import { hexLength, type ObjectFormat } from '../object-id.ts';

/** Reads exactly `length` bytes of a file from `position` on; throws if there are fewer. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>;

/** Magic number and version (gitformat-pack, "Version 2 pack-*.idx files"). No idx of version 1 begins with these bytes. */
const MAGIC = Buffer.from('ff744f6300000002', 'hex');
const FAN_OUT = 256;
const TABLES_AT = MAGIC.length + 4 * FAN_OUT;
/** Entries read at a time: about 400 KiB. */
const BLOCK = 16_384;
/** Ids read at once by a search. For fewer, another read costs more than the bytes. */
const WINDOW = 256;

/**
 * The idx of a pack, version 2, read from its file: sorted ids, and a table of their offsets. At most one block is in memory
 * at a time, so a pack of millions of objects needs no more memory than a small one.
 */
export class PackIdx {
  /** Number of entries of the pack. */
  readonly objects: number;
  /** Bytes of one raw id. */
  readonly idLength: number;
  readonly #read: ReadAt;
  readonly #fanOut: readonly number[];
  /** The run of ids that was read last. A caller that asks for sorted ids finds most of them here. */
  #window: { readonly first: number; readonly ids: Buffer } = { first: 0, ids: Buffer.alloc(0) };

  /**
   * Reads the fan-out table.
   * @throws CairnError `corrupt` if it is not an idx of version 2
   */
  static async open(read: ReadAt, format: ObjectFormat): Promise<PackIdx> {
    const head = await read(0, TABLES_AT);
    if (!head.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw new CairnError('corrupt', 'the idx of a pack is not one of version 2');
    }
    const fanOut = Array.from({ length: FAN_OUT }, (_, at) => head.readUInt32BE(MAGIC.length + 4 * at));
    return new PackIdx(read, hexLength(format) / 2, fanOut);
  }

  private constructor(read: ReadAt, idLength: number, fanOut: readonly number[]) {
    this.#read = read;
    this.#fanOut = fanOut;
    this.idLength = idLength;
    this.objects = fanOut.at(-1) ?? 0;
  }

  /**
   * The raw ids of entries in order, many to a buffer.
   * @param begin selects entries by their offset in the pack; without it all are listed
   */
  async *ids(begin?: (offset: number) => boolean): AsyncGenerator<Buffer> {
    for (let first = 0; first < this.objects; first += BLOCK) {
      const count = Math.min(BLOCK, this.objects - first);
      const ids = await this.#read(this.#idAt(first), count * this.idLength);
      if (begin === undefined) {
        yield ids;
        continue;
      }
      const offsets = await this.#offsets(first, count);
      const chosen = [...offsets.keys()].filter((at) => begin(offsets[at] ?? 0));
      if (chosen.length > 0) yield Buffer.concat(chosen.map((at) => this.#idIn(ids, at)));
    }
  }

  /** The raw ids of all entries in order, many to a buffer, and the offset of each entry in the pack, in bytes. */
  async *entries(): AsyncGenerator<{ readonly ids: Buffer; readonly offsets: Float64Array }> {
    for (let first = 0; first < this.objects; first += BLOCK) {
      const count = Math.min(BLOCK, this.objects - first);
      const ids = await this.#read(this.#idAt(first), count * this.idLength);
      yield { ids, offsets: await this.#offsets(first, count) };
    }
  }

  /** Counts the entries that begin before `end`, an offset in the pack. `begins` tells whether one begins exactly at `end`. */
  async splitAt(end: number): Promise<{ readonly before: number; readonly begins: boolean }> {
    let before = 0;
    let begins = false;
    for (let first = 0; first < this.objects; first += BLOCK) {
      const offsets = await this.#offsets(first, Math.min(BLOCK, this.objects - first));
      before += offsets.filter((offset) => offset < end).length;
      begins ||= offsets.includes(end);
    }
    return { before, begins };
  }

  /** True if the pack has an entry with this raw id. Sorted calls need the fewest reads. */
  async has(id: Buffer): Promise<boolean> {
    return (await this.#find(id)) !== undefined;
  }

  /** The offset of the entry with this raw id in the pack, in bytes; undefined if there is none. */
  async offsetOf(id: Buffer): Promise<number | undefined> {
    const entry = await this.#find(id);
    return entry === undefined ? undefined : (await this.#offsets(entry, 1))[0];
  }

  async #find(id: Buffer): Promise<number | undefined> {
    if (!this.#inWindow(id)) {
      const bucket = id[0] ?? 0;
      let low = bucket === 0 ? 0 : (this.#fanOut[bucket - 1] ?? 0);
      let high = this.#fanOut[bucket] ?? 0;
      while (high - low > WINDOW) {
        const middle = (low + high) >>> 1;
        const order = id.compare(await this.#read(this.#idAt(middle), this.idLength));
        if (order === 0) return middle;
        if (order < 0) high = middle;
        else low = middle + 1;
      }
      if (high <= low) return undefined;
      this.#window = { first: low, ids: await this.#read(this.#idAt(low), (high - low) * this.idLength) };
    }
    return this.#findInWindow(id);
  }

  #inWindow(id: Buffer): boolean {
    const { ids } = this.#window;
    if (ids.length === 0) return false;
    return id.compare(this.#idIn(ids, 0)) >= 0 && id.compare(ids.subarray(-this.idLength)) <= 0;
  }

  #findInWindow(id: Buffer): number | undefined {
    const { first, ids } = this.#window;
    let [low, high] = [0, ids.length / this.idLength];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = id.compare(this.#idIn(ids, middle));
      if (order === 0) return first + middle;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return undefined;
  }

  /** The offsets of `count` entries in the pack, from entry `first` on. */
  async #offsets(first: number, count: number): Promise<Float64Array> {
    // Behind the ids come as many checksums of 32 bits.
    const table = this.#idAt(this.objects) + 4 * this.objects;
    const bytes = await this.#read(table + 4 * first, 4 * count);
    const offsets = new Float64Array(count);
    for (let at = 0; at < count; at++) {
      const offset = bytes.readUInt32BE(4 * at);
      // The highest bit says that the rest is a place in a table of 64 bit numbers, for packs above 2 GiB.
      offsets[at] =
        offset < 0x8000_0000
          ? offset
          : await this.#largeOffset(table + 4 * this.objects, offset - 0x8000_0000);
    }
    return offsets;
  }

  async #largeOffset(table: number, place: number): Promise<number> {
    return Number((await this.#read(table + 8 * place, 8)).readBigUInt64BE(0));
  }

  #idAt(entry: number): number {
    return TABLES_AT + entry * this.idLength;
  }

  #idIn(ids: Buffer, at: number): Buffer {
    return ids.subarray(at * this.idLength, (at + 1) * this.idLength);
  }
}
