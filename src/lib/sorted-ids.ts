import type { Cooperative } from './cooperative.ts';

/** From so many ids on, buckets use the first two bytes of an id; below, only the first. */
const MANY = 4_096;
/** How many ids are copied before the work yields. */
const STEPS = 4_096;

/** Many ids of one length in ascending order, in one buffer: a few bytes each, however many there are. */
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

  /** The place of the id that begins at offset `at` of a buffer, or -1. */
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

  /** True when two of them are the same. */
  hasTwins(): boolean {
    this.table ??= this.readTable();
    const { heads } = this.table;
    const { idLength, count } = this;
    for (let place = 1; place < count; place++) {
      if (heads[place] !== heads[place - 1]) continue;
      if (this.isAt(place * idLength, this.bytes, (place - 1) * idLength)) return true;
    }
    return false;
  }

  /** True when the id at `start` equals the one at `at` of a buffer. */
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

/** Speeds up searches. */
interface Table {
  /** The first four bytes of each id as a number: numbers compare many times faster. */
  readonly heads: Uint32Array;
  /** By bucket: how many ids come before its first. */
  readonly buckets: Uint32Array;
}
