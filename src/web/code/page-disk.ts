import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { inFolder } from '../../lib/in-folder.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import { MadePage } from '../made-page.ts';

const decompress = promisify(gunzip);

/** Files, and writes that wait at most. */
const MOST_FILES = 20_000;
const MOST_WRITING = 32;

/**
 * Pages on disk, compressed. It is emptied at every start. What the disk does not take or give back is made again: no visitor
 * is told.
 */
export class PageDisk {
  private readonly folder: string;
  private readonly budget: number;
  /** Bytes of each file, the least recently used first. */
  private readonly files = new Map<string, number>();
  private readonly chores = new Set<Promise<void>>();
  private total = 0;
  private closed = false;

  /** @param options `folder`: for these files alone. `budget`: bytes; 0 keeps nothing */
  constructor(options: { readonly folder: string; readonly budget: number }) {
    this.folder = options.folder;
    this.budget = options.budget;
  }

  /** Bytes on disk. */
  get size(): number {
    return this.total;
  }

  /** Empties the folder. @throws the error of the system */
  async open(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await makeFolder(this.folder, PRIVATE_FOLDER);
  }

  /** @param name digest of what the page depends on @returns undefined if it is not here, or cannot be read */
  async read(name: string): Promise<MadePage | undefined> {
    const size = this.files.get(name);
    if (size === undefined) return undefined;
    this.files.delete(name);
    this.files.set(name, size);
    try {
      const compressed = await readFile(join(this.folder, name));
      // gzip has a checksum of its own.
      return new MadePage(await decompress(compressed), compressed);
    } catch {
      // The page is made again.
      this.drop(name);
      return undefined;
    }
  }

  /** Writes a page, later. A page that is too large, or comes while many are being written, is left out. */
  write(name: string, page: MadePage): void {
    if (this.closed || this.budget === 0 || this.chores.size >= MOST_WRITING) return;
    this.track(this.store(name, page));
  }

  /** Removes all files: the disk is full. */
  async relieve(): Promise<void> {
    await this.settled();
    for (const name of [...this.files.keys()]) this.drop(name);
    await this.settled();
  }

  /** Waits until nothing is being written or removed. */
  async settled(): Promise<void> {
    while (this.chores.size > 0) await Promise.all(this.chores);
  }

  /** Writes no more, and waits for what is being written. */
  async close(): Promise<void> {
    this.closed = true;
    await this.settled();
  }

  private async store(name: string, page: MadePage): Promise<void> {
    const compressed = await page.zipped();
    if (compressed.length > this.budget / 4 || this.files.has(name)) return;
    await inFolder(this.folder, () => writeFile(join(this.folder, name), compressed, { mode: 0o600 }));
    this.files.set(name, compressed.length);
    this.total += compressed.length;
    for (const oldest of this.files.keys()) {
      if (this.total <= this.budget && this.files.size <= MOST_FILES) break;
      this.drop(oldest);
    }
  }

  private drop(name: string): void {
    this.total -= this.files.get(name) ?? 0;
    this.files.delete(name);
    this.track(rm(join(this.folder, name), { force: true }));
  }

  private track(chore: Promise<void>): void {
    // A disk that does not work makes pages slower, and nothing else.
    const quiet = chore.catch(() => undefined).then(() => void this.chores.delete(quiet));
    this.chores.add(quiet);
  }
}
