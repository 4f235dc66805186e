import type { Cooperative } from './cooperative.ts';

/** From so many ids on they are looked up by their first two bytes, below by the first alone. */
const MANY = 4_096;
/** Ids copied before others may have their turn. */
const STEPS = 4_096;

/** Many ids of one length in ascending order, in one buffer: a few bytes each, however many there are. */
export class SortedIds {
  readonly idLength: number;
  readonly count: number;
  private readonly bytes: Buffer;
  /** Bits of the first four bytes that do not choose the bucket. */
  private readonly shift: number;
  private table: Table | undefined;

  /** @param bytes the ids, one after another, in order once the first is looked for; at least four bytes each */
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

  /** Those at some places, in the order given, as a list of their own. */
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

  /** The place of the id that begins at an offset of a buffer, or -1. */
  indexOf(bytes: Buffer, at = 0): number {
    this.table ??= this.readTable();
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

  /** Whether the id that begins at `start` here is the one at `at` there. */
  private isAt(start: number, bytes: Buffer, at: number): boolean {
    for (let byte = 4; byte < this.idLength; byte++)
      if (this.bytes[start + byte] !== bytes[at + byte]) return false;
    return true;
  }

  private readTable(): Table {
    const heads = new Uint32Array(this.count);
    const buckets = new Uint32Array(2 ** (32 - this.shift) + 1);
    for (let place = 0; place < heads.length; place++) {
      const head = this.bytes.readUInt32BE(place * this.idLength);
      heads[place] = head;
      const next = (head >>> this.shift) + 1;
      buckets[next] = (buckets[next] ?? 0) + 1;
    }
    for (let bucket = 1; bucket < buckets.length; bucket++)
      buckets[bucket] = (buckets[bucket] ?? 0) + (buckets[bucket - 1] ?? 0);
    return { heads, buckets };
  }
}

/** What makes looking for an id quick. */
interface Table {
  /** The first four bytes of each id, as numbers: comparing those is many times faster. */
  readonly heads: Uint32Array;
  /** By the beginning of an id: how many ids come before all that begin so. */
  readonly buckets: Uint32Array;
}
