import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { CairnError } from './errors.ts';

/** Bytes of a page. Records of 4, 8, 16, 32 or 64 bytes never lie on two pages. */
export const pageBytes = 4096;

interface Page {
  /** Which page of the file it is; -1 for none. */
  number: number;
  readonly bytes: Buffer;
  used: boolean;
  changed: boolean;
}

/**
 * A file of any size that is read and written in small pieces at random, with a bounded cache of pages. It is for tables that
 * may be larger than memory. Calls are synchronous: nearly all of them find their page in the cache, and a promise each
 * would cost more than the work. Callers yield between many calls.
 */
export class PagedFile {
  private readonly descriptor: number;
  private readonly path: string;
  private readonly most: number;
  private readonly byNumber = new Map<number, Page>();
  private readonly pages: Page[] = [];
  private hand = 0;
  private last: Page | undefined;
  private size: number;

  /**
   * @param cacheBytes most bytes of pages in memory; at least two pages are kept
   * @param writable true to create the file if it is missing, and to write to it
   * @throws what the file system throws
   */
  constructor(path: string, cacheBytes: number, writable = false) {
    this.path = path;
    this.most = Math.max(2, Math.floor(cacheBytes / pageBytes));
    this.descriptor = writable ? openToWrite(path) : openSync(path, 'r');
    this.size = fstatSync(this.descriptor).size;
  }

  /** Bytes of the file; bytes that were written but not yet flushed count. */
  get length(): number {
    return this.size;
  }

  /** Bytes of pages in memory. */
  get held(): number {
    return this.pages.length * pageBytes;
  }

  /**
   * The page that holds a position. It is valid until the next call. The position is at `position % pageBytes` in it. Bytes
   * after the end of the file are zero.
   */
  pageAt(position: number): Buffer {
    return this.find(Math.floor(position / pageBytes)).bytes;
  }

  /** As {@link pageAt}, for a record of `length` bytes that the caller changes. It must lie on one page. */
  pageToChange(position: number, length: number): Buffer {
    const page = this.find(Math.floor(position / pageBytes));
    page.changed = true;
    if (position + length > this.size) this.size = position + length;
    return page.bytes;
  }

  /**
   * Copies bytes that may lie on several pages.
   * @throws CairnError `corrupt` when the file ends earlier
   */
  copy(position: number, length: number, target: Buffer): void {
    if (position + length > this.size) {
      throw new CairnError('corrupt', `${this.path} ends before byte ${position + length}`);
    }
    for (let done = 0; done < length; ) {
      const at = position + done;
      const begin = at % pageBytes;
      const count = Math.min(length - done, pageBytes - begin);
      this.pageAt(at).copy(target, done, begin, begin + count);
      done += count;
    }
  }

  readUInt32BE(position: number): number {
    const begin = position % pageBytes;
    if (begin + 4 <= pageBytes && position + 4 <= this.size) return this.pageAt(position).readUInt32BE(begin);
    const bytes = Buffer.alloc(4);
    this.copy(position, 4, bytes);
    return bytes.readUInt32BE(0);
  }

  /** Writes all changed pages and makes them durable. */
  flush(): void {
    for (const page of this.pages) if (page.changed) this.write(page);
    fsyncSync(this.descriptor);
  }

  /** Closes the file. Changed pages that were not flushed are lost. */
  close(): void {
    closeSync(this.descriptor);
  }

  private find(number: number): Page {
    if (this.last?.number === number) return this.last;
    const known = this.byNumber.get(number);
    const page = known ?? this.load(number);
    page.used = true;
    this.last = page;
    return page;
  }

  private load(number: number): Page {
    const page = this.freePage();
    page.number = number;
    const from = number * pageBytes;
    const filled = from < this.size ? readFully(this.descriptor, page.bytes, from) : 0;
    page.bytes.fill(0, filled);
    this.byNumber.set(number, page);
    return page;
  }

  /** A new page while there is room; else one that was not used since the hand of the clock last came by. */
  private freePage(): Page {
    if (this.pages.length < this.most) {
      const page = { number: -1, bytes: Buffer.alloc(pageBytes), used: false, changed: false };
      this.pages.push(page);
      return page;
    }
    for (;;) {
      this.hand = (this.hand + 1) % this.pages.length;
      const page = this.pages[this.hand];
      if (page === undefined) throw new Error('there is always a page under the hand');
      if (page.used) {
        page.used = false;
        continue;
      }
      if (page.changed) this.write(page);
      this.byNumber.delete(page.number);
      return page;
    }
  }

  private write(page: Page): void {
    const from = page.number * pageBytes;
    const end = Math.min(pageBytes, this.size - from);
    for (let done = 0; done < end; ) {
      done += writeSync(this.descriptor, page.bytes, done, end - done, from + done);
    }
    page.changed = false;
  }
}

function openToWrite(path: string): number {
  // `r+` does not create a file, `w+` empties it, and `a+` writes only at its end.
  closeSync(openSync(path, 'a', 0o600));
  return openSync(path, 'r+');
}

/** Reads until the buffer is full or the file ends. @returns bytes read */
export function readFully(
  descriptor: number,
  target: Buffer,
  position: number,
  length = target.length,
): number {
  let got = 0;
  while (got < length) {
    const read = readSync(descriptor, target, got, length - got, position + got);
    if (read === 0) break;
    got += read;
  }
  return got;
}
