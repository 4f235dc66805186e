import { CairnError } from '../../lib/errors.ts';
import { PagedFile, pageBytes } from '../../lib/paged-file.ts';

const IDX_MAGIC = 'ff744f6300000002';
const REV_MAGIC = '5249445800000001';
const FAN_OUT_AT = 8;
const IDS_AT = FAN_OUT_AT + 4 * 256;
const REV_AT = 12;
/** The highest bit of an offset says that the rest is a place in the table of large offsets. */
const LARGE = 0x8000_0000;

/** Ids that are searched through without a guess. */
const FEW = 32;

/** How many bytes of the idx and of the reverse index are in memory at most. */
const REV_SHARE = 1 / 5;

/**
 * The idx (version 2) and the reverse index (version 1) of a pack, read from their files (gitformat-pack). An entry has two
 * numbers: its rank among the sorted ids, and its position in the pack.
 */
export class SortedPack {
  /** Number of entries. */
  readonly count: number;
  readonly idLength: number;
  private readonly idx: PagedFile;
  private readonly rev: PagedFile;
  private readonly fanOut: Uint32Array;
  private readonly id: Buffer;

  /**
   * @param stem path of the pack without `.pack`
   * @param idLength bytes of a raw id
   * @throws CairnError `corrupt` if one of the files is not what git writes; what the file system throws
   */
  constructor(stem: string, idLength: number, cacheBytes: number) {
    this.idLength = idLength;
    this.id = Buffer.alloc(idLength);
    this.idx = new PagedFile(`${stem}.idx`, cacheBytes * (1 - REV_SHARE));
    try {
      this.rev = new PagedFile(`${stem}.rev`, cacheBytes * REV_SHARE);
    } catch (error) {
      this.idx.close();
      throw error;
    }
    const head = Buffer.alloc(8);
    this.idx.copy(0, 8, head);
    const isIdx = head.toString('hex') === IDX_MAGIC;
    this.rev.copy(0, 8, head);
    if (!isIdx || head.toString('hex') !== REV_MAGIC) {
      this.close();
      throw new CairnError('corrupt', `${stem} has no idx of version 2 or no reverse index of version 1`);
    }
    this.fanOut = Uint32Array.from({ length: 256 }, (_, at) => this.idx.readUInt32BE(FAN_OUT_AT + 4 * at));
    this.count = this.fanOut[255] ?? 0;
  }

  /** Bytes of both files in memory. */
  get held(): number {
    return this.idx.held + this.rev.held;
  }

  close(): void {
    this.idx.close();
    this.rev.close();
  }

  /** The rank of the entry at a position of the pack. */
  rankAt(position: number): number {
    return this.rev.readUInt32BE(REV_AT + 4 * position);
  }

  /** Where the entry with a rank begins in the pack, in bytes. */
  offsetOf(rank: number): number {
    // Behind the ids come as many checksums of 32 bits.
    const offsets = IDS_AT + this.count * (this.idLength + 4);
    const offset = this.idx.readUInt32BE(offsets + 4 * rank);
    if (offset < LARGE) return offset;
    const large = offsets + 4 * this.count + 8 * (offset - LARGE);
    return this.idx.readUInt32BE(large) * 2 ** 32 + this.idx.readUInt32BE(large + 4);
  }

  /** Copies the raw id of an entry. */
  copyId(rank: number, target: Buffer): void {
    this.idx.copy(IDS_AT + rank * this.idLength, this.idLength, target);
  }

  /** The id of an entry in hex. */
  idOf(rank: number): string {
    this.copyId(rank, this.id);
    return this.id.toString('hex');
  }

  /** The rank of a raw id that begins at `at` in `bytes`; -1 if the pack does not have it. */
  find(bytes: Buffer, at: number): number {
    const rank = this.lowerBound(bytes, at, this.idLength);
    return rank < this.count && this.compare(rank, bytes, at, this.idLength) === 0 ? rank : -1;
  }

  /** The rank of the first id that is not below the first `length` bytes, at least four, of what begins at `at`. */
  lowerBound(bytes: Buffer, at: number, length: number): number {
    const bucket = bytes[at] ?? 0;
    const first = bytes.readUInt32BE(at);
    let low = bucket === 0 ? 0 : (this.fanOut[bucket - 1] ?? 0);
    let high = this.fanOut[bucket] ?? 0;
    // Ids are spread evenly, so the next bytes nearly tell the place.
    if (high - low > FEW) {
      const guess = low + Math.floor(((first & 0xff_ffff) / 2 ** 24) * (high - low));
      let step = FEW / 4;
      while (guess - step > low && !this.isBelow(guess - step, first, bytes, at, length)) step *= 4;
      low = Math.max(low, guess - step);
      step = FEW / 4;
      while (guess + step < high && this.isBelow(guess + step, first, bytes, at, length)) step *= 4;
      high = Math.min(high, guess + step);
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.isBelow(middle, first, bytes, at, length)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** True if an id comes before a key. @param first the first four bytes of the key */
  private isBelow(rank: number, first: number, bytes: Buffer, at: number, length: number): boolean {
    const own = this.idx.readUInt32BE(IDS_AT + rank * this.idLength);
    return own === first ? this.compare(rank, bytes, at, length) < 0 : own < first;
  }

  /** The order of the first `length` bytes of an id and of what begins at `at`: below 0 if the id comes first. */
  private compare(rank: number, bytes: Buffer, at: number, length: number): number {
    const position = IDS_AT + rank * this.idLength;
    const begin = position % pageBytes;
    if (begin + length <= pageBytes) {
      return this.idx.pageAt(position).compare(bytes, at, at + length, begin, begin + length);
    }
    this.copyId(rank, this.id);
    return this.id.compare(bytes, at, at + length, 0, length);
  }
}
