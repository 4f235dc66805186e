import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import type { ObjectFormat } from '../../src/git/object-id.ts';
import type { GitObject, ObjectType } from './object-graph.ts';
import { objectId } from './raw-git.ts';

/** What a pack holds, read without git: by a second reader that knows nothing of the code that joins packs. */
export interface ReadPack {
  /** The ids of the objects, in order of entries, as often as they occur. */
  readonly oids: readonly string[];
  /** Entries that are deltas against an earlier place in the pack. */
  readonly offsetDeltas: number;
  /** Bases of deltas that the pack lacks. */
  readonly foreignBases: ReadonlySet<string>;
}

interface Entry {
  readonly type: number;
  readonly bytes: Buffer;
  readonly base: number | string | undefined;
  object?: GitObject & { readonly oid: string };
}

const TYPES: readonly (ObjectType | undefined)[] = [undefined, 'commit', 'tree', 'blob', 'tag'];
const OFS_DELTA = 6;
const REF_DELTA = 7;

/**
 * Reads a pack whole (gitformat-pack).
 * @param elsewhere where objects are looked up that a thin pack builds on
 * @throws Error for anything that is not as it should be: counts, sizes, checksums, deltas without a base
 */
export function readPack(
  pack: Buffer,
  format: ObjectFormat,
  elsewhere: ReadonlyMap<string, GitObject>,
): ReadPack {
  const hashLength = format === 'sha1' ? 20 : 32;
  const end = pack.length - hashLength;
  if (pack.toString('latin1', 0, 4) !== 'PACK' || pack.readUInt32BE(4) !== 2) throw new Error('no pack');
  if (!createHash(format).update(pack.subarray(0, end)).digest().equals(pack.subarray(end)))
    throw new Error('the trailer is not the checksum');
  const entries = new Map<number, Entry>();
  let at = 12;
  for (let count = pack.readUInt32BE(8); count > 0; count--) {
    if (at >= end) throw new Error(`${count} entries are missing`);
    const { entry, next } = readEntry(pack, at, hashLength);
    entries.set(at, entry);
    at = next;
  }
  if (at !== end) throw new Error(`${end - at} bytes follow the last entry`);
  const foreignBases = resolveAll(entries, format, elsewhere);
  const all = [...entries.values()];
  return {
    oids: all.map(({ object }) => object?.oid ?? ''),
    offsetDeltas: all.filter(({ type }) => type === OFS_DELTA).length,
    foreignBases,
  };
}

function readEntry(pack: Buffer, start: number, hashLength: number): { entry: Entry; next: number } {
  let at = start;
  let byte = pack.readUInt8(at++);
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let shift = 4; byte & 0x80; shift += 7) {
    byte = pack.readUInt8(at++);
    size += (byte & 0x7f) * 2 ** shift;
  }
  let base: Entry['base'];
  if (type === OFS_DELTA) {
    byte = pack.readUInt8(at++);
    let back = byte & 0x7f;
    while (byte & 0x80) {
      byte = pack.readUInt8(at++);
      back = (back + 1) * 128 + (byte & 0x7f);
    }
    base = start - back;
  } else if (type === REF_DELTA) {
    base = pack.toString('hex', at, at + hashLength);
    at += hashLength;
  } else if (TYPES[type] === undefined) throw new Error(`the entry at ${start} is of type ${type}`);
  const { buffer, engine } = inflateSync(pack.subarray(at), {
    info: true,
    chunkSize: Math.max(size, 64),
  }) as unknown as {
    readonly buffer: Buffer;
    readonly engine: { readonly bytesWritten: number };
  };
  if (buffer.length !== size)
    throw new Error(`the entry at ${start} has ${buffer.length} bytes, not ${size}`);
  return { entry: { type, bytes: buffer, base }, next: at + engine.bytesWritten };
}

/** Applies deltas until none is left. A base may come after what builds on it. */
function resolveAll(
  entries: ReadonlyMap<number, Entry>,
  format: ObjectFormat,
  elsewhere: ReadonlyMap<string, GitObject>,
): Set<string> {
  const byOid = new Map<string, GitObject>();
  const foreign = new Set<string>();
  const resolve = (entry: Entry, base: GitObject | undefined) => {
    const type = base?.type ?? TYPES[entry.type];
    if (type === undefined) throw new Error('a delta without a base');
    const content = base === undefined ? entry.bytes : applyDelta(base.content, entry.bytes);
    entry.object = { type, content, oid: objectId({ type, content }, format) };
    byOid.set(entry.object.oid, entry.object);
  };
  let waiting = [...entries.values()];
  let fromElsewhere = false;
  while (waiting.length > 0) {
    const left = waiting.filter((entry) => {
      const { base } = entry;
      if (base === undefined) resolve(entry, undefined);
      else if (typeof base === 'number') {
        const object = entries.get(base)?.object;
        if (!entries.has(base)) throw new Error('a delta builds on a place where no entry begins');
        if (object !== undefined) resolve(entry, object);
      } else {
        const own = byOid.get(base);
        const object = own ?? (fromElsewhere ? elsewhere.get(base) : undefined);
        if (own === undefined && object !== undefined) foreign.add(base);
        if (object !== undefined) resolve(entry, object);
      }
      return entry.object === undefined;
    });
    if (left.length === waiting.length) {
      if (fromElsewhere) throw new Error(`${left.length} deltas without a base`);
      fromElsewhere = true;
    } else fromElsewhere = false;
    waiting = left;
  }
  return new Set([...foreign].filter((base) => !byOid.has(base)));
}

function applyDelta(base: Buffer, delta: Buffer): Buffer {
  let at = 0;
  const length = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = delta.readUInt8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
  };
  if (length() !== base.length) throw new Error('a delta was made for another base');
  const size = length();
  const parts: Buffer[] = [];
  while (at < delta.length) {
    const op = delta.readUInt8(at++);
    if (op === 0) throw new Error('a delta with an instruction that is none');
    if ((op & 0x80) === 0) {
      parts.push(delta.subarray(at, at + op));
      at += op;
      continue;
    }
    const number = (bits: number, first: number) => {
      let value = 0;
      for (let byte = 0; byte < bits; byte++)
        if (op & (first << byte)) value += delta.readUInt8(at++) * 256 ** byte;
      return value;
    };
    const offset = number(4, 1);
    const count = number(3, 0x10) || 0x10000;
    if (offset + count > base.length) throw new Error('a delta copies from beyond its base');
    parts.push(base.subarray(offset, offset + count));
  }
  const content = Buffer.concat(parts);
  if (content.length !== size) throw new Error(`a delta makes ${content.length} bytes, not ${size}`);
  return content;
}
