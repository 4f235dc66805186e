import {
  hexLength,
  longestEntryHeader,
  type ObjectFormat,
  packHeaderLength,
  parsePackHeader,
  readPackEntryHeader,
} from '../../git/index.ts';
import { isCairnError } from '../../lib/errors.ts';
import { DeflateSkipper } from '../../lib/skip-deflated.ts';

/**
 * Counts the objects of a pack that goes by, without keeping or inflating them. It never throws: a pack that it does not understand
 * is only not counted any longer.
 */
export class PackProgress {
  /** Bytes that went by. */
  bytes = 0;
  /** Objects that went by whole. */
  objects = 0;
  /** Objects that the header states; 0 until it is there. */
  total = 0;
  private readonly idLength: number;
  private readonly skipper = new DeflateSkipper();
  private part: 'header' | 'entry' | 'data' | 'lost' = 'header';
  /** Bytes that were not read yet, and the bit at which they go on. */
  private rest: Buffer = Buffer.alloc(0);
  private position = 0;

  constructor(format: ObjectFormat) {
    this.idLength = hexLength(format) / 2;
  }

  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.part === 'lost' || (this.total > 0 && this.objects === this.total)) return;
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    try {
      while (this.step());
    } catch (error) {
      if (!isCairnError(error)) throw error;
      this.part = 'lost';
    }
    const at = this.position >>> 3;
    // A copy: the chunk may be used for something else.
    this.rest = this.part === 'lost' ? Buffer.alloc(0) : Buffer.from(this.rest.subarray(at));
    this.position &= 7;
  }

  /** Reads a part. @returns false when more bytes are needed, or nothing follows */
  private step(): boolean {
    switch (this.part) {
      case 'header':
        return this.readHeader();
      case 'entry':
        return this.objects < this.total && this.readEntryHeader();
      case 'data':
        return this.skipData();
      case 'lost':
        return false;
    }
  }

  private readHeader(): boolean {
    const header = parsePackHeader(this.rest);
    if (header === undefined) return false;
    this.total = header.objects;
    this.position = packHeaderLength * 8;
    this.part = 'entry';
    return true;
  }

  private readEntryHeader(): boolean {
    const at = this.position >>> 3;
    try {
      const { length } = readPackEntryHeader(this.rest, at, 0, this.idLength);
      this.position += length * 8;
    } catch (error) {
      // With so few bytes, it may only not be whole.
      if (this.rest.length - at < longestEntryHeader) return false;
      throw error;
    }
    this.skipper.begin();
    this.part = 'data';
    return true;
  }

  private skipData(): boolean {
    const position = this.skipper.skip(this.rest, this.position);
    if (position === undefined) {
      this.part = 'lost';
      return false;
    }
    this.position = position;
    if (!this.skipper.done) return false;
    this.objects += 1;
    this.part = 'entry';
    return true;
  }
}
