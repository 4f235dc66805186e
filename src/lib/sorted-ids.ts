import { type Cooperative, inStretches } from './cooperative.ts';

/** From so many ids on, buckets use the first two bytes of an id; below, only the first. */
const MANY = 4_096;
/** How many ids are copied before the work yields. */
const STEPS = 4_096;

/**
 * Many ids of one length in ascending order, in one buffer: a few bytes each, however many there are. The first search makes a table of
 * all of them. Where they may be many, {@link SortedIds.prepare} makes it before, without holding up others.
 */
export class SortedIds {
  readonly idLength: number;
  readonly count: number;
  private readonly bytes: Buffer;
  /** How many low bits of the first four bytes do not choose the bucket. */
  private readonly shift: number;
  private table: Table | undefined;

  /** @param bytes the ids one after another, of at least four bytes each; sorted before the first search */
  constructor(bytes: Buffer, idLength: number) {
    this.bytes = bytes;
    this.idLength = idLength;
    this.count = bytes.length / idLength;
    this.shift = this.count < MANY ? 24 : 16;
  }

  /** The id at a place. */
  at(place: number): Buffer {
    return this.bytes.subarray(place * this.idLength, (place + 1) * this.idLength);
  }

  /** The ids at some places, in the order given, as a new list. */
  *pick(places: Uint32Array): Cooperative<SortedIds> {
    const { idLength } = this;
    const picked = Buffer.allocUnsafe(places.length * idLength);
    for (let index = 0; index < places.length; index++) {
      const from = (places[index] ?? 0) * idLength;
      const to = index * idLength;
      for (let byte = 0; byte < idLength; byte++) picked[to + byte] = this.bytes[from + byte] ?? 0;
      if (index % STEPS === STEPS - 1) yield;
    }
    return new SortedIds(picked, idLength);
  }

  /** Makes what searches need. The ids must be in their buffer. */
  async prepare(): Promise<void> {
    await this.prepared();
  }

  /** The place of the id that begins at offset `at` of a buffer, or -1. */
  indexOf(bytes: Buffer, at = 0): number {
    this.table ??= this.wholeTable();
    const { heads, buckets } = this.table;
    const { idLength } = this;
    const head = bytes.readUInt32BE(at);
    const bucket = head >>> this.shift;
    let low = buckets[bucket] ?? 0;
    let high = buckets[bucket + 1] ?? 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((heads[middle] ?? 0) < head) low = middle + 1;
      else high = middle;
    }
    for (let place = low; heads[place] === head; place++) {
      if (this.isAt(place * idLength, bytes, at)) return place;
    }
    return -1;
  }

  /** True when two of them are the same. */
  async hasTwins(): Promise<boolean> {
    const { heads } = await this.prepared();
    let has = false;
    await inStretches(this.count, (from, to) => {
      has ||= this.hasTwinsIn(heads, from, to);
    });
    return has;
  }

  /** The ids at some places, each in hex digits on a line of its own. */
  async hexLines(places: ArrayLike<number>): Promise<Buffer> {
    const length = 2 * this.idLength + 1;
    const lines = Buffer.allocUnsafe(places.length * length);
    await inStretches(places.length, (from, to) => {
      for (let index = from; index < to; index++)
        lines.write(`${this.at(places[index] ?? 0).toString('hex')}\n`, index * length, 'latin1');
    });
    return lines;
  }

  /** True when one of the ids from one place to another is that before it. */
  private hasTwinsIn(heads: Uint32Array, from: number, to: number): boolean {
    const { idLength, bytes } = this;
    for (let place = Math.max(1, from); place < to; place++) {
      if (heads[place] !== heads[place - 1]) continue;
      if (this.isAt(place * idLength, bytes, (place - 1) * idLength)) return true;
    }
    return false;
  }

  /** True when the id at `start` equals the one at `at` of a buffer. */
  private isAt(start: number, bytes: Buffer, at: number): boolean {
    for (let byte = 4; byte < this.idLength; byte++)
      if (this.bytes[start + byte] !== bytes[at + byte]) return false;
    return true;
  }

  private async prepared(): Promise<Table> {
    if (this.table === undefined) {
      const table = this.emptyTable();
      await inStretches(this.count, (from, to) => this.fill(table, from, to));
      this.table = withStarts(table);
    }
    return this.table;
  }

  private wholeTable(): Table {
    const table = this.emptyTable();
    this.fill(table, 0, this.count);
    return withStarts(table);
  }

  private emptyTable(): Table {
    return { heads: new Uint32Array(this.count), buckets: new Uint32Array(2 ** (32 - this.shift) + 1) };
  }

  /** Enters the ids from one place to another, each into the bucket behind its own. */
  private fill({ heads, buckets }: Table, from: number, to: number): void {
    for (let place = from; place < to; place++) {
      const head = this.bytes.readUInt32BE(place * this.idLength);
      heads[place] = head;
      const next = (head >>> this.shift) + 1;
      buckets[next] = (buckets[next] ?? 0) + 1;
    }
  }
}

/** Speeds up searches. */
interface Table {
  /** The first four bytes of each id as a number: numbers compare many times faster. */
  readonly heads: Uint32Array;
  /** By bucket: how many ids come before its first. */
  readonly buckets: Uint32Array;
}

/** A table whose buckets have the sizes of those before them: makes them their beginnings. */
function withStarts(table: Table): Table {
  const { buckets } = table;
  for (let bucket = 1; bucket < buckets.length; bucket++)
    buckets[bucket] = (buckets[bucket] ?? 0) + (buckets[bucket - 1] ?? 0);
  return table;
}
