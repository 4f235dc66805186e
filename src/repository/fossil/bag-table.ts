import { type NameHash, NameTable } from './name-table.ts';
import type { PackIndex } from './pack-index.ts';

/** No slot: the same number as for no source in an index. */
export const NONE = 0xffff_ffff;

/** Slots of an empty table. */
const FIRST = 64;

/** Bytes that the columns take for one slot. */
const SLOT_BYTES = 1 + 2 + 6 * 4;

/** Where the record of an artifact is, and what its index says of it. */
export interface RecordPlace {
  /** Bits of `flags` in `pack-index.ts`. */
  readonly flags: number;
  readonly depth: number;
  /** Bytes of the content. */
  readonly size: number;
  /** The number of its pack in the order of the state. */
  readonly pack: number;
  /** Where in the pack its payload begins, and how long it is. */
  readonly offset: number;
  readonly length: number;
  /** The slot of the source, or {@link NONE}. */
  readonly source: number;
}

/** Columns of a table by slot, as the methods give single values. */
export interface TableColumns {
  readonly sizes: Uint32Array;
  readonly packs: Uint32Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly sources: Uint32Array;
  /** By position. */
  readonly order: Uint32Array;
}

/**
 * The names that a line of states knows, each in a slot, and where their records are. It only grows, so that all states of the
 * line share one table: each state counts how many slots and positions of it are its own. Columns of numbers: some 75 bytes for an
 * artifact, and no objects.
 */
export class BagTable {
  readonly names: NameTable;
  /** The number of artifacts with a position. */
  count = 0;
  /** True while a state is being made that adds to it. If that fails it stays so, and later states copy the table. */
  drafted = false;
  private readonly hash: NameHash;
  private flags = new Uint8Array(FIRST);
  private depths = new Uint16Array(FIRST);
  private sizes = new Uint32Array(FIRST);
  private packs = new Uint32Array(FIRST);
  private offsets = new Uint32Array(FIRST);
  private lengths = new Uint32Array(FIRST);
  private sources = new Uint32Array(FIRST);
  private positions = new Uint32Array(FIRST);
  /** The slot at each position. */
  private order = new Uint32Array(FIRST);

  constructor(hash: NameHash, names = new NameTable(hash)) {
    this.hash = hash;
    this.names = names;
  }

  /** Bytes of memory it takes. */
  get memory(): number {
    return this.names.memory + this.flags.length * SLOT_BYTES + 4 * this.order.length;
  }

  /** Sets the record of a slot. No state that shares the table may have one for it. */
  setPlace(slot: number, place: RecordPlace): void {
    this.makeRoom(slot + 1);
    this.flags[slot] = place.flags;
    this.depths[slot] = place.depth;
    this.sizes[slot] = place.size;
    this.packs[slot] = place.pack;
    this.offsets[slot] = place.offset;
    this.lengths[slot] = place.length;
    this.sources[slot] = place.source;
  }

  /** Makes room for names and artifacts that are about to come: columns that grow in many steps are copied in each. */
  reserve(slots: number, artifacts: number): void {
    this.makeRoom(slots);
    const { length } = this.order;
    if (this.count + artifacts <= length) return;
    this.order = grown(this.order, this.count, Math.max(this.count + artifacts, length + (length >> 1)));
  }

  /**
   * Sets all records of a pack and gives them their positions, in a table that has none yet, and whose slots are the numbers of
   * the names in the index.
   */
  adopt(pack: number, { records, columns }: Pick<PackIndex, 'records' | 'columns'>): void {
    this.reserve(this.names.size, records);
    const { offsets, positions, order } = this;
    const { lengths } = columns;
    this.flags.set(columns.flags);
    this.depths.set(columns.depths);
    this.sizes.set(columns.sizes);
    this.lengths.set(lengths);
    this.sources.set(columns.sources);
    this.packs.fill(pack, 0, records);
    let offset = 0;
    for (let record = 0; record < records; record++) {
      offsets[record] = offset;
      positions[record] = record;
      order[record] = record;
      offset += lengths[record] ?? 0;
    }
    this.count = records;
  }

  /** Gives a slot the next position. */
  append(slot: number): void {
    if (this.count === this.order.length) this.reserve(slot + 1, 1);
    this.makeRoom(slot + 1);
    this.positions[slot] = this.count;
    this.order[this.count++] = slot;
  }

  /** The columns themselves, for loops over many artifacts. They are replaced when the table grows. */
  get columns(): TableColumns {
    const { sizes, packs, offsets, lengths, sources, order } = this;
    return { sizes, packs, offsets, lengths, sources, order };
  }

  flagsOf(slot: number): number {
    return this.flags[slot] ?? 0;
  }

  depthOf(slot: number): number {
    return this.depths[slot] ?? 0;
  }

  sizeOf(slot: number): number {
    return this.sizes[slot] ?? 0;
  }

  packOf(slot: number): number {
    return this.packs[slot] ?? 0;
  }

  offsetOf(slot: number): number {
    return this.offsets[slot] ?? 0;
  }

  lengthOf(slot: number): number {
    return this.lengths[slot] ?? 0;
  }

  /** The slot of the source, or {@link NONE}. */
  sourceOf(slot: number): number {
    return this.sources[slot] ?? NONE;
  }

  positionOf(slot: number): number {
    return this.positions[slot] ?? 0;
  }

  slotAt(position: number): number {
    return this.order[position] ?? NONE;
  }

  /** A table of its own with the first `slots` and the first `count` positions. */
  copy(slots: number, count: number): BagTable {
    const copy = new BagTable(this.hash, this.names.copy(slots));
    const capacity = Math.max(FIRST, slots);
    const own = Math.min(slots, this.flags.length);
    copy.flags = new Uint8Array(capacity);
    copy.flags.set(this.flags.subarray(0, own));
    copy.depths = new Uint16Array(capacity);
    copy.depths.set(this.depths.subarray(0, own));
    copy.sizes = grown(this.sizes, own, capacity);
    copy.packs = grown(this.packs, own, capacity);
    copy.offsets = grown(this.offsets, own, capacity);
    copy.lengths = grown(this.lengths, own, capacity);
    copy.sources = grown(this.sources, own, capacity);
    copy.positions = grown(this.positions, own, capacity);
    copy.order = grown(this.order, count, Math.max(FIRST, count));
    copy.count = count;
    return copy;
  }

  private makeRoom(slots: number): void {
    const { length } = this.flags;
    if (slots <= length) return;
    const capacity = Math.max(slots, length + (length >> 1));
    const flags = new Uint8Array(capacity);
    flags.set(this.flags);
    this.flags = flags;
    const depths = new Uint16Array(capacity);
    depths.set(this.depths);
    this.depths = depths;
    this.sizes = grown(this.sizes, length, capacity);
    this.packs = grown(this.packs, length, capacity);
    this.offsets = grown(this.offsets, length, capacity);
    this.lengths = grown(this.lengths, length, capacity);
    this.sources = grown(this.sources, length, capacity);
    this.positions = grown(this.positions, length, capacity);
  }
}

function grown(words: Uint32Array, used: number, capacity: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(capacity);
  copy.set(words.subarray(0, used));
  return copy;
}
