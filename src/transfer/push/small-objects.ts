/** Objects read from a pack in this process, as long as they are few and small: a process of git costs more. */
import { inflateSync } from 'node:zlib';
import { applyDelta, deltaResultSize, longestEntryHeader, readPackEntryHeader } from '../../git/index.ts';
import type { OpenedFile } from '../../lib/read-at.ts';
import type { PackEntries } from './pack-entries.ts';

const MOST_OBJECTS = 1_000;
/** Bytes, as they are stored, inflated, and of what came of differences, all together. */
const MOST_BYTES = 2 * 1024 * 1024;

/**
 * Reads objects of a pack.
 * @param places of the objects in the pack
 * @returns their contents, or undefined when they, or what they are kept as differences from, are too many or too large
 * @throws CairnError `corrupt` for a difference that cannot be applied; what zlib throws
 */
export async function readSmallObjects(
  pack: Pick<OpenedFile, 'size' | 'read'>,
  entries: PackEntries,
  places: readonly number[],
): Promise<readonly Buffer[] | undefined> {
  if (places.length > MOST_OBJECTS) return undefined;
  const reader = new SmallObjects(pack, entries);
  const contents: Buffer[] = [];
  for (const place of places) {
    const content = await reader.read(place);
    if (content === undefined) return undefined;
    contents.push(content);
  }
  return contents;
}

class SmallObjects {
  private readonly pack: Pick<OpenedFile, 'size' | 'read'>;
  private readonly entries: PackEntries;
  private readonly contents = new Map<number, Buffer>();
  private bytes = 0;

  constructor(pack: Pick<OpenedFile, 'size' | 'read'>, entries: PackEntries) {
    this.pack = pack;
    this.entries = entries;
  }

  async read(place: number): Promise<Buffer | undefined> {
    const { bases } = this.entries;
    const chain: number[] = [];
    let at = place;
    for (; at !== -1 && !this.contents.has(at); at = bases[at] ?? -1) {
      if (chain.length > MOST_OBJECTS) return undefined;
      chain.push(at);
    }
    let content = at === -1 ? undefined : this.contents.get(at);
    for (const next of chain.reverse()) {
      const inflated = await this.inflate(next);
      if (inflated === undefined) return undefined;
      if (content === undefined) content = inflated;
      else {
        if (!this.grow(deltaResultSize(inflated))) return undefined;
        content = applyDelta(content, inflated);
      }
      this.contents.set(next, content);
    }
    return content;
  }

  private async inflate(place: number): Promise<Buffer | undefined> {
    const { offsets, ids } = this.entries;
    const offset = offsets[place] ?? 0;
    const head = await this.pack.read(offset, Math.min(longestEntryHeader, this.pack.size - offset));
    const { size, length } = readPackEntryHeader(head, 0, offset, ids.idLength);
    const begins = offset + length;
    const deflatedSize = this.entries.endOf(place) - begins;
    if (!this.grow(size) || !this.grow(deflatedSize)) return undefined;
    const deflated = await this.pack.read(begins, deflatedSize);
    return inflateSync(deflated, { maxOutputLength: Math.max(size, 1) });
  }

  private grow(bytes: number): boolean {
    this.bytes += bytes;
    return this.bytes <= MOST_BYTES;
  }
}
