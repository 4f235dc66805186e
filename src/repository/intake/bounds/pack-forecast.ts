/**
 * What a small pack would be unpacked to, seen before any git is started: declared sizes are in the headers of entries and at the
 * beginning of deltas. To start git, and to let it unpack what leads up to an object that is too large, costs more than all this.
 */
import { inflateSync } from 'node:zlib';
import { deltaResultSize, packHeaderLength, readPackEntryHeader } from '../../../git/index.ts';
import { Yielder } from '../../../lib/cooperative.ts';
import { isCairnError } from '../../../lib/errors.ts';
import { isZlibError, sizeMadeBy } from '../entries/delta-start.ts';
import { type ObjectLimit, tooLarge, unpacksToTooMuch } from './object-limit.ts';

/** How far into a pack is looked, in entries and in bytes that are inflated. git finds out about the rest. */
export interface Foresight {
  readonly entries: number;
  readonly bytes: number;
}

export interface ForecastPack {
  /** All of it. */
  readonly bytes: Buffer;
  /** How many entries its header says it has. */
  readonly objects: number;
  /** Bytes of a raw object id in the repository it is for. */
  readonly idLength: number;
}

/**
 * Looks at a pack from its beginning until the foresight is used up, or it turns out damaged: git has words for that.
 * @returns why it is refused; undefined when nothing speaks against giving it to git
 */
export async function forecastPack(
  pack: ForecastPack,
  limit: ObjectLimit,
  foresight: Foresight,
): Promise<string | undefined> {
  const entries = Math.min(pack.objects, foresight.entries);
  const pauses = new Yielder();
  let [at, inflated, unpacked] = [packHeaderLength, 0, 0];
  for (let entry = 0; entry < entries; entry++) {
    const read = entryAt(pack, at, foresight.bytes - inflated);
    if (read === undefined) return undefined;
    if (read.makes > limit.objectBytes) return tooLarge('an object of', read.makes, limit).message;
    unpacked += read.makes;
    if (unpacked > limit.unpackedBytes) return unpacksToTooMuch(limit).message;
    if (read.end === undefined) return undefined;
    inflated += read.size;
    at = read.end;
    await pauses.next();
  }
  return undefined;
}

interface SeenEntry {
  /** Bytes of the entry, inflated. */
  readonly size: number;
  /** Bytes of the object that comes of it. */
  readonly makes: number;
  /** Where the next entry begins; undefined when the entry was not inflated. */
  readonly end?: number;
}

/** @returns undefined when it cannot be read */
function entryAt({ bytes, idLength }: ForecastPack, at: number, most: number): SeenEntry | undefined {
  try {
    const { type, size, length } = readPackEntryHeader(bytes, at, at, idLength);
    const begins = at + length;
    const isDelta = type === undefined;
    if (size > most) return { size, makes: isDelta ? (sizeMadeBy(bytes, begins) ?? 0) : size };
    const { content, read } = inflate(bytes.subarray(begins), size);
    return { size, makes: isDelta ? deltaResultSize(content) : size, end: begins + read };
  } catch (error) {
    if (isCairnError(error, 'corrupt') || isZlibError(error)) return undefined;
    throw error;
  }
}

/** Inflates what a buffer begins with, of a known size, and tells how many bytes that took. */
function inflate(deflated: Buffer, size: number): { readonly content: Buffer; readonly read: number } {
  // With `info`, which the types of Node do not know, there are both.
  const options = { info: true, maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size) };
  const { buffer, engine } = inflateSync(deflated, options) as unknown as {
    readonly buffer: Buffer;
    readonly engine: { readonly bytesWritten: number };
  };
  return { content: buffer, read: engine.bytesWritten };
}
