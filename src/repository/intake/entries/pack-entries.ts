/**
 * What a pack holds, by the headers of its entries alone: types, declared sizes, and how differences build on each other.
 * Nothing is inflated but the beginnings of deltas, and git is not asked.
 */
import {
  longestEntryHeader,
  PACKED_BLOB,
  PACKED_TREE,
  type PackEntryHeader,
  type PackIdx,
  readPackEntryHeader,
} from '../../../git/index.ts';
import { inStretches, Yielder } from '../../../lib/cooperative.ts';
import { CairnError } from '../../../lib/errors.ts';
import type { OpenedFile } from '../../../lib/opened-file.ts';
import { SortedIds } from '../../../lib/sorted-ids.ts';
import {
  MOST_LINKING_BYTES,
  type ObjectLimit,
  tooHeavy,
  tooLarge,
  unpacksToTooMuch,
  unusualForm,
} from '../bounds/object-limit.ts';
import { deltaStart, sizeMadeBy } from './delta-start.ts';
import type { EarlyEntries } from './early-entries.ts';
import { entryHeaderAt } from './entry-header.ts';
import type { EntryListener } from './entry-listener.ts';
import { type EntryReaders, NO_READERS } from './entry-readers.ts';

/** Differences that may build on each other: git's own limit (`git pack-objects --depth`). */
export const MOST_DELTAS = 4_095;

/** Bytes of a pack whose entries are looked at together. */
const BLOCK = 256 * 1024;
/** Bytes read behind a block: most trees that begin in the block end there. */
const OVERLAP = 16 * 1024;
/** Larger entries are not read for a listener. */
const MOST_HEARD = 1024 * 1024;
/** Of so many entries in a block the whole of it is read, of fewer each header. */
const DENSE = 16;
/** A block has buckets, whose entries are put in order by themselves: on average so many of them. */
const IN_BUCKET = 8;
const LEAST_BUCKET = 256;
/** Of so many entries a bucket is sorted by moving each to its place, of more by the built-in sort. */
const FEW = 64;

/** Entries looked at in one turn of the event loop: a millisecond, or some where the heads of deltas are inflated. */
const STRETCH = 256;
/** Bytes of an entry that its header fits into, and what a delta says first. */
const HEAD = longestEntryHeader + deltaStart;

/** A pack of which every entry was looked at. About 45 bytes an entry. */
export interface PackEntries {
  /** The raw ids of the objects, and by their place there what follows. */
  readonly ids: SortedIds;
  /** 1 to 4, as gitformat-pack has it: what an object is in the end, also one kept as a difference. */
  readonly types: Uint8Array;
  /** Bytes that the entry says it has once it is inflated: of the object, or of the difference it is kept as. */
  readonly sizes: Uint32Array;
  /** Where the entry begins in the pack. */
  readonly offsets: Float64Array;
  /** Places of the entries in the order in which they lie in the pack. */
  readonly order: Uint32Array;
  /** Where the last entry ends in the pack. */
  readonly end: number;
  /** Place of the entry that an entry builds on, or -1. */
  readonly bases: Int32Array;
}

export interface ScannedPack extends Pick<OpenedFile, 'size' | 'read'> {
  readonly idx: PackIdx;
}

/**
 * Looks at every entry of a pack that needs no other.
 * @throws CairnError `too-large` naming an object that is larger, or kept by more than {@link MOST_DELTAS} differences;
 *   `invalid` naming one whose sizes are not written as git reads them;
 *   `corrupt` when this is not a pack as git writes it
 */
export async function scanPack(
  pack: ScannedPack,
  limit: ObjectLimit,
  { begun, listen }: EntryReaders = NO_READERS,
): Promise<PackEntries> {
  const scan = new PackScan(pack, limit);
  await scan.readIdx();
  await scan.sort();
  const trees = begun === undefined ? undefined : await scan.takeOver(begun);
  scan.listener = await listen(scan.ids, trees);
  await scan.readHeaders();
  await scan.resolve();
  return scan;
}

class PackScan implements PackEntries {
  listener: EntryListener | undefined;
  readonly ids: SortedIds;
  readonly types: Uint8Array;
  readonly sizes: Uint32Array;
  readonly offsets: Float64Array;
  readonly order: Uint32Array;
  readonly bases: Int32Array;
  readonly end: number;
  private readonly pack: ScannedPack;
  private readonly limit: ObjectLimit;
  private readonly pauses = new Yielder();
  private readonly rawIds: Buffer;
  /** Bytes of a bucket: a power of two, which makes a whole number of them in a block. */
  private readonly bucket: number;
  /** For each bucket of the pack the first of its entries in `order`, and behind the last one how many there are. */
  private readonly buckets: Uint32Array;
  private readonly depths: Uint16Array;
  /** By place: 1 for a tree that was taken over. */
  private readonly known: Uint8Array;
  /** Entries whose types are being found, each a delta from the one behind it. Empty between two searches. */
  private readonly chain: number[] = [];
  private unpacked = 0;
  private readonly block: Buffer;

  constructor(pack: ScannedPack, limit: ObjectLimit) {
    this.pack = pack;
    this.limit = limit;
    const { objects, idLength } = pack.idx;
    this.end = pack.size - idLength;
    this.rawIds = Buffer.allocUnsafe(objects * idLength);
    this.ids = new SortedIds(this.rawIds, idLength);
    this.types = new Uint8Array(objects);
    this.sizes = new Uint32Array(objects);
    this.offsets = new Float64Array(objects);
    this.order = new Uint32Array(objects);
    this.bases = new Int32Array(objects).fill(-1);
    this.depths = new Uint16Array(objects);
    this.known = new Uint8Array(objects);
    this.block = Buffer.allocUnsafe(Math.min(BLOCK + OVERLAP, pack.size));
    let bucket = LEAST_BUCKET;
    while (bucket < BLOCK && pack.size / bucket > objects / IN_BUCKET) bucket *= 2;
    this.bucket = bucket;
    this.buckets = new Uint32Array(Math.ceil(pack.size / bucket) + 1);
  }

  async readIdx(): Promise<void> {
    let at = 0;
    for await (const { ids, offsets } of this.pack.idx.entries()) {
      ids.copy(this.rawIds, at * this.ids.idLength);
      this.offsets.set(offsets, at);
      at += offsets.length;
      await this.pauses.next();
    }
  }

  /** Puts the places in order of offsets: into the buckets they lie in, and then within each. */
  async sort(): Promise<void> {
    const { offsets, order, buckets, bucket } = this;
    const { length } = offsets;
    await inStretches(length, (from, to) => {
      for (let place = from; place < to; place++) {
        const at = Math.floor((offsets[place] ?? 0) / bucket) + 1;
        if (at >= buckets.length) throw damaged();
        buckets[at] = (buckets[at] ?? 0) + 1;
      }
    });
    for (let at = 1; at < buckets.length; at++) buckets[at] = (buckets[at] ?? 0) + (buckets[at - 1] ?? 0);
    const next = buckets.slice();
    await inStretches(length, (from, to) => {
      for (let place = from; place < to; place++) {
        const at = Math.floor((offsets[place] ?? 0) / bucket);
        const slot = next[at] ?? 0;
        order[slot] = place;
        next[at] = slot + 1;
      }
    });
    await inStretches(buckets.length - 1, (from, to) => {
      for (let at = from; at < to; at++) this.sortBucket(buckets[at] ?? 0, buckets[at + 1] ?? 0);
    });
  }

  private sortBucket(first: number, end: number): void {
    const { offsets, order } = this;
    if (end - first > FEW) {
      order.subarray(first, end).sort((a, b) => (offsets[a] ?? 0) - (offsets[b] ?? 0));
      return;
    }
    for (let at = first + 1; at < end; at++) {
      const place = order[at] ?? 0;
      const offset = offsets[place] ?? 0;
      let slot = at;
      for (; slot > first && (offsets[order[slot - 1] ?? 0] ?? 0) > offset; slot--)
        order[slot] = order[slot - 1] ?? 0;
      order[slot] = place;
    }
  }

  /**
   * Takes over the trees that were read while the pack came in.
   * @returns their places among the ids; undefined when they are not where git says that entries are
   */
  async takeOver(begun: EarlyEntries): Promise<Uint32Array | undefined> {
    const { order, offsets, bases, known } = this;
    const places = new Uint32Array(begun.count);
    let at = -1;
    await inStretches(places.length, (from, to) => {
      for (let tree = from; tree < to && at < order.length; tree++) {
        const offset = begun.offsetOf(tree);
        // Nearly all follow the one before.
        if (offsets[order[++at] ?? -1] !== offset) at = this.indexOf(offset);
        if (at === -1) at = order.length;
        places[tree] = order[at] ?? 0;
      }
    });
    if (places.length === 0 || at >= order.length) return undefined;
    await inStretches(places.length, (from, to) => {
      for (let tree = from; tree < to; tree++) {
        const place = places[tree] ?? 0;
        const size = begun.sizeOf(tree);
        const base = begun.baseOf(tree);
        known[place] = 1;
        this.takeSize(place, size);
        if (base === -1) this.takeType(place, PACKED_TREE, size);
        else bases[place] = places[base] ?? -1;
      }
    });
    return places;
  }

  async readHeaders(): Promise<void> {
    const { buckets, bucket, order, known, pack, pauses } = this;
    const inBlock = BLOCK / bucket;
    for (let block = 0; block * BLOCK < pack.size; block++) {
      let first = buckets[block * inBlock] ?? 0;
      let end = buckets[Math.min((block + 1) * inBlock, buckets.length - 1)] ?? 0;
      while (first < end && known[order[first] ?? 0] === 1) first++;
      while (first < end && known[order[end - 1] ?? 0] === 1) end--;
      await this.readBlock(block * BLOCK, first, end);
      if (pauses.isDue) await pauses.next();
    }
  }

  /** Reads the headers of entries that begin in one block, in the order of the pack. */
  private async readBlock(start: number, first: number, end: number): Promise<void> {
    if (end <= first) return;
    const { order, offsets, pauses } = this;
    if (end - first < DENSE) {
      for (let at = first; at < end; at++) {
        const offset = offsets[order[at] ?? 0] ?? 0;
        const head = await this.readUpTo(offset, HEAD);
        if (this.takeHeaders(head, offset, at, at + 1) === at) await this.readWhole(at);
      }
      return;
    }
    const whole = await this.readUpTo(start, BLOCK + OVERLAP);
    for (let at = first; at < end; ) {
      const stretch = Math.min(end, at + STRETCH);
      at = this.takeHeaders(whole, start, at, stretch);
      if (at < stretch) await this.readWhole(at++);
      if (pauses.isDue) await pauses.next();
    }
  }

  /**
   * @param bytes what the pack has from `start` on, with the headers of the entries `first` to `end` in the order of the pack
   * @returns `end`, or where it stopped: at an entry that the listener wants and that is not in `bytes` as a whole
   */
  private takeHeaders(bytes: Buffer, start: number, first: number, end: number): number {
    const { order, offsets, bases, known, pack, listener } = this;
    const adds = this.limit.unpackedBytes !== Number.POSITIVE_INFINITY;
    for (let at = first; at < end; at++) {
      const place = order[at] ?? 0;
      if (known[place] === 1) continue;
      const offset = offsets[place] ?? 0;
      const header = entryHeaderAt(bytes, offset - start, offset, pack.idx.idLength);
      const from = offset - start + (header?.length ?? 0);
      const makes = header?.type === undefined ? sizeMadeBy(bytes, from) : header.size;
      if (header === undefined || makes === undefined) throw unusualForm(`object ${this.name(place)}`);
      this.take(place, header);
      if (adds) this.count(makes);
      const base = bases[place] ?? -1;
      if (listener?.wants(header.type, base) !== true) continue;
      const to = this.endOf(at) - start;
      if (to > bytes.length) return at;
      listener.take({ place, offset, type: header.type, base, size: header.size, bytes, from, to });
    }
    return end;
  }

  /** Reads an entry that is wanted and whose header was taken, unless it is very large. */
  private async readWhole(at: number): Promise<void> {
    const { order, offsets, bases, listener } = this;
    const place = order[at] ?? 0;
    const offset = offsets[place] ?? 0;
    const to = this.endOf(at) - offset;
    if (to > MOST_HEARD) return;
    const bytes = await this.pack.read(offset, to);
    const { type, size, length: from } = readPackEntryHeader(bytes, 0, offset, this.ids.idLength);
    listener?.take({ place, offset, type, base: bases[place] ?? -1, size, bytes, from, to });
  }

  /** Where an entry ends in the pack. */
  private endOf(at: number): number {
    const { order, offsets, end } = this;
    return at + 1 < order.length ? (offsets[order[at + 1] ?? 0] ?? 0) : end;
  }

  private readUpTo(position: number, length: number): Promise<Buffer> {
    return this.pack.read(position, Math.min(length, this.pack.size - position), this.block);
  }

  private take(place: number, { type, size, base }: PackEntryHeader): void {
    this.takeSize(place, size);
    if (type !== undefined) {
      this.takeType(place, type, size);
      return;
    }
    const found =
      typeof base === 'number' ? this.placeAt(base) : base === undefined ? -1 : this.ids.indexOf(base);
    if (found === -1) throw damaged();
    this.bases[place] = found;
  }

  private takeSize(place: number, size: number): void {
    if (size > this.limit.objectBytes) throw tooLarge(`object ${this.name(place)} of`, size, this.limit);
    this.sizes[place] = Math.min(size, 0xffff_ffff);
  }

  private takeType(place: number, type: number, size: number): void {
    if (type !== PACKED_BLOB) this.mustBeHeld(place, size);
    this.types[place] = type;
  }

  /** Adds up what the entries are unpacked to, where that is bounded. @param size bytes of one more object */
  private count(size: number): void {
    this.unpacked += size;
    if (this.unpacked > this.limit.unpackedBytes) throw unpacksToTooMuch(this.limit);
  }

  /** git always holds whole what is no file, and the difference it is kept as. */
  private mustBeHeld(place: number, size: number): void {
    const { linkingBytes } = this.limit;
    if (size > MOST_LINKING_BYTES || size > linkingBytes)
      throw tooHeavy(`object ${this.name(place)} has`, size, { linkingBytes });
  }

  /** The place of the entry that begins at an offset, or -1. */
  private placeAt(offset: number): number {
    return this.order[this.indexOf(offset)] ?? -1;
  }

  /** Where in `order` the entry is that begins at an offset, or -1. */
  private indexOf(offset: number): number {
    const bucket = Math.floor(offset / this.bucket);
    let low = this.buckets[bucket] ?? 0;
    let high = this.buckets[bucket + 1] ?? 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const place = this.order[middle] ?? 0;
      const found = this.offsets[place] ?? 0;
      if (found === offset) return middle;
      if (found < offset) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  /** Finds out what each difference is in the end. */
  resolve(): Promise<void> {
    const { types } = this;
    return inStretches(types.length, (from, to) => {
      for (let place = from; place < to; place++) if (types[place] === 0) this.resolveChain(place);
    });
  }

  private resolveChain(place: number): void {
    const { types, bases, depths, chain } = this;
    for (let at = place; types[at] === 0; at = bases[at] ?? 0) {
      if (chain.length > MOST_DELTAS) throw this.tooDeep(place);
      chain.push(at);
    }
    for (let at = chain.pop(); at !== undefined; at = chain.pop()) {
      const base = bases[at] ?? 0;
      const depth = (depths[base] ?? 0) + 1;
      if (depth > MOST_DELTAS) throw this.tooDeep(at);
      types[at] = types[base] ?? 0;
      depths[at] = depth;
      if (types[at] !== PACKED_BLOB) this.mustBeHeld(at, this.sizes[at] ?? 0);
    }
  }

  private tooDeep(place: number): CairnError {
    const reason = `object ${this.name(place)} is kept as a chain of more than ${MOST_DELTAS} deltas: repack, then push again`;
    return new CairnError('too-large', reason);
  }

  private name(place: number): string {
    return this.ids.at(place).toString('hex');
  }
}

function damaged(): CairnError {
  return new CairnError('corrupt', 'git wrote a pack whose entries do not belong together');
}
