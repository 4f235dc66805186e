import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

/**
 * Git objects and packs, made without git: thousands of pushes need thousands of packs, and a process for each would
 * take longer than what is measured. Formats: gitformat-pack(5), and git's own ids (SHA-1).
 */
export interface GitObject {
  readonly type: ObjectType;
  readonly content: Buffer;
  /** Hex. */
  readonly oid: string;
}

export type ObjectType = 'commit' | 'tree' | 'blob';

/** What a pack holds: an object whole, or how it differs from one that the receiver has. */
export type PackEntry = GitObject | { readonly object: GitObject; readonly base: GitObject };

/** A file or folder in a tree. */
export interface TreeEntry {
  readonly name: string;
  readonly object: GitObject;
}

const typeNumbers: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3 };
const refDelta = 7;

export function blob(text: string): GitObject {
  return gitObject('blob', Buffer.from(text));
}

/** A tree; entries are put in the order git wants, in which a folder counts as if its name ended with `/`. */
export function tree(entries: readonly TreeEntry[]): GitObject {
  const key = ({ name, object }: TreeEntry) => Buffer.from(object.type === 'tree' ? `${name}/` : name);
  const sorted = entries.toSorted((a, b) => Buffer.compare(key(a), key(b)));
  const parts = sorted.flatMap(({ name, object }) => [
    Buffer.from(`${object.type === 'tree' ? '40000' : '100644'} ${name}\0`),
    Buffer.from(object.oid, 'hex'),
  ]);
  return gitObject('tree', Buffer.concat(parts));
}

/** A commit by the benchmark's one author. `at` is in seconds since 1970. */
export function commit(facts: {
  readonly tree: string;
  readonly parent: string | undefined;
  readonly at: number;
  readonly message: string;
}): GitObject {
  const who = `Bench <bench@example.com> ${facts.at} +0000`;
  const parents = facts.parent === undefined ? [] : [`parent ${facts.parent}`];
  const head = [`tree ${facts.tree}`, ...parents, `author ${who}`, `committer ${who}`];
  return gitObject('commit', Buffer.from(`${head.join('\n')}\n\n${facts.message}\n`));
}

/** A pack, version 2, of these entries in this order. With deltas it is thin: index-pack needs `--fix-thin`. */
export function packOf(entries: readonly PackEntry[]): Buffer {
  const header = Buffer.alloc(12);
  header.write('PACK');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(entries.length, 8);
  const body = Buffer.concat([header, ...entries.flatMap(encoded)]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

function encoded(entry: PackEntry): Buffer[] {
  if ('type' in entry) {
    const { type, content } = entry;
    return [entryHeader(typeNumbers[type], content.length), deflateSync(content)];
  }
  const delta = deltaBetween(entry.base.content, entry.object.content);
  return [entryHeader(refDelta, delta.length), Buffer.from(entry.base.oid, 'hex'), deflateSync(delta)];
}

/** A delta: what both begin with is copied, what lies between is inserted, what both end with is copied. */
export function deltaBetween(base: Buffer, target: Buffer): Buffer {
  const shorter = Math.min(base.length, target.length);
  let head = 0;
  while (head < shorter && base[head] === target[head]) head++;
  let tail = 0;
  while (tail < shorter - head && base[base.length - 1 - tail] === target[target.length - 1 - tail]) tail++;
  return Buffer.concat([
    lengthOf(base.length),
    lengthOf(target.length),
    copy(0, head),
    ...inserts(target.subarray(head, target.length - tail)),
    copy(base.length - tail, tail),
  ]);
}

/** An instruction to copy: four bytes of offset and three of size. Sizes here are below 2²⁴. */
function copy(offset: number, size: number): Buffer {
  if (size === 0) return Buffer.alloc(0);
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(0xff, 0);
  bytes.writeUInt32LE(offset, 1);
  bytes.writeUIntLE(size, 5, 3);
  return bytes;
}

/** Instructions to insert, 127 bytes at most each. */
function inserts(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 127) {
    const piece = bytes.subarray(at, at + 127);
    pieces.push(Buffer.of(piece.length), piece);
  }
  return pieces;
}

/** Type in three bits, size in four and then seven at a time. */
function entryHeader(type: number, size: number): Buffer {
  const rest = size >>> 4;
  const first = (type << 4) | (size & 15);
  return rest === 0 ? Buffer.of(first) : Buffer.concat([Buffer.of(first | 0x80), lengthOf(rest)]);
}

/** Seven bits a byte, the lowest first. */
function lengthOf(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.from([...bytes, rest]);
}

function gitObject(type: ObjectType, content: Buffer): GitObject {
  const oid = createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
  return { type, content, oid };
}
