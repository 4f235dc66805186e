/** Many ids of one length in ascending order, in one buffer: a few bytes each, however many there are. */
export class SortedIds {
  readonly idLength: number;
  readonly count: number;
  private readonly bytes: Buffer;
  /** The first four bytes of each, as numbers: comparing those is many times faster. */
  private heads: Uint32Array | undefined;

  /** @param bytes the ids, one after another, in order once the first is looked for; at least four bytes each */
  constructor(bytes: Buffer, idLength: number) {
    this.bytes = bytes;
    this.idLength = idLength;
    this.count = bytes.length / idLength;
  }

  /** The id at a place. */
  at(place: number): Buffer {
    return this.bytes.subarray(place * this.idLength, (place + 1) * this.idLength);
  }

  /** The place of an id, or -1. */
  indexOf(id: Buffer): number {
    this.heads ??= this.readHeads();
    const { heads } = this;
    const head = id.readUInt32BE(0);
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((heads[middle] ?? 0) < head) low = middle + 1;
      else high = middle;
    }
    for (let place = low; heads[place] === head; place++) {
      const start = place * this.idLength;
      if (this.bytes.compare(id, 0, this.idLength, start, start + this.idLength) === 0) return place;
    }
    return -1;
  }

  private readHeads(): Uint32Array {
    const heads = new Uint32Array(this.count);
    for (let place = 0; place < heads.length; place++)
      heads[place] = this.bytes.readUInt32BE(place * this.idLength);
    return heads;
  }
}
