import { PagedFile, pageBytes } from '../../lib/paged-file.ts';

/** Type of an object, as the header of a pack entry states it. */
export type PackedType = 1 | 2 | 3 | 4;

/** What is known of an object of the source before it is converted. */
export interface SourceEntry {
  readonly type: PackedType;
  /** Where its entry begins in the source pack, in bytes. */
  readonly offset: number;
  /** Inflated size of its entry: of the object, or of the delta. */
  readonly size: number;
  /** Its rank among the sorted ids of the source pack. */
  readonly rank: number;
  /** The position of the base of its delta in the source pack; -1 for an object that is stored whole. */
  readonly base: number;
}

/** A record: new id 0–31, place 32–37, type 38, base + 1 40–43, offset 44–49, size 50–55, rank 56–59. */
const RECORD = 64;
const PLACE = 32;
const TYPE = 38;
const BASE = 40;
const OFFSET = 44;
const SIZE = 50;
const RANK = 56;

/** How much of the cache is for the numbers by rank. */
const NUMBERS_SHARE = 1 / 8;

/**
 * The table of all objects of a conversion, in two files. Objects are numbered by their position in the source pack, because
 * objects that are near each other there are used at about the same time. It takes 68 bytes of disk for each object, and a
 * bounded part of it is in memory.
 */
export class ObjectTable {
  private readonly records: PagedFile;
  /** The number of the object with each rank. */
  private readonly numbers: PagedFile;

  constructor(recordsPath: string, numbersPath: string, cacheBytes: number) {
    this.records = new PagedFile(recordsPath, cacheBytes * (1 - NUMBERS_SHARE), true);
    try {
      this.numbers = new PagedFile(numbersPath, cacheBytes * NUMBERS_SHARE, true);
    } catch (error) {
      this.records.close();
      throw error;
    }
  }

  /** Number of objects. */
  get count(): number {
    return this.records.length / RECORD;
  }

  /** Bytes of the table in memory. */
  get held(): number {
    return this.records.held + this.numbers.held;
  }

  /** Sets what is known of an object, which is then not converted. */
  set(number: number, { type, offset, size, rank, base }: SourceEntry): void {
    const position = number * RECORD;
    const page = this.records.pageToChange(position, RECORD);
    const at = position % pageBytes;
    page.fill(0, at, at + RECORD);
    page[at + TYPE] = type;
    page.writeUInt32BE(base + 1, at + BASE);
    page.writeUIntBE(offset, at + OFFSET, 6);
    page.writeUIntBE(size, at + SIZE, 6);
    page.writeUInt32BE(rank, at + RANK);
    this.numbers.pageToChange(4 * rank, 4).writeUInt32BE(number, (4 * rank) % pageBytes);
  }

  /** The number of the object with a rank. */
  numberOf(rank: number): number {
    return this.numbers.readUInt32BE(4 * rank);
  }

  typeOf(number: number): PackedType {
    return (this.page(number)[this.at(number) + TYPE] ?? 0) as PackedType;
  }

  offsetOf(number: number): number {
    return this.page(number).readUIntBE(this.at(number) + OFFSET, 6);
  }

  entryOf(number: number): SourceEntry {
    const page = this.page(number);
    const at = this.at(number);
    return {
      type: (page[at + TYPE] ?? 0) as PackedType,
      offset: page.readUIntBE(at + OFFSET, 6),
      size: page.readUIntBE(at + SIZE, 6),
      rank: page.readUInt32BE(at + RANK),
      base: page.readUInt32BE(at + BASE) - 1,
    };
  }

  /** Where the converted object begins in the pack of its kind, in bytes; 0 if it is not converted. */
  placeOf(number: number): number {
    return this.page(number).readUIntBE(this.at(number) + PLACE, 6);
  }

  setPlace(number: number, place: number): void {
    const position = number * RECORD;
    this.records.pageToChange(position, RECORD).writeUIntBE(place, (position % pageBytes) + PLACE, 6);
  }

  /** Copies the new raw id of a converted object, 32 bytes. */
  copyNewId(number: number, target: Buffer, at: number): void {
    const begin = this.at(number);
    this.page(number).copy(target, at, begin, begin + 32);
  }

  setNewId(number: number, id: Buffer): void {
    const position = number * RECORD;
    id.copy(this.records.pageToChange(position, RECORD), position % pageBytes);
  }

  /** The number of the object whose entry begins at an offset of the source pack; -1 if it is none below `limit`. */
  numberAtOffset(offset: number, limit: number): number {
    let [low, high] = [0, limit];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.offsetOf(middle) < offset) low = middle + 1;
      else high = middle;
    }
    return low < limit && this.offsetOf(low) === offset ? low : -1;
  }

  /** Makes all changes durable. */
  flush(): void {
    this.records.flush();
    this.numbers.flush();
  }

  close(): void {
    this.records.close();
    this.numbers.close();
  }

  private page(number: number): Buffer {
    return this.records.pageAt(number * RECORD);
  }

  private at(number: number): number {
    return (number * RECORD) % pageBytes;
  }
}
