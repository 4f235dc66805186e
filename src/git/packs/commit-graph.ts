/**
 * git's commit-graph (gitformat-commit-graph(5)): the parents and the tree of each commit, and filters of the paths that it
 * changes, without a look at the objects themselves.
 */
import { murmur3 } from './murmur3.ts';

const SIGNATURE = 'CGPH';
const HEADER = 8;
const TABLE_ROW = 12;
const FANOUT = 256 * 4;
/** Beside the tree's id: two parents, then generation and date. */
const COMMIT_DATA = 16;
/** Marks a place in the list of further parents, and in that list its end. A place behind the last commit is none. */
const MARK = 0x8000_0000;
const FILTER_HEADER = 12;
/** Seeds of the two hashes that all others are made of. */
const SEEDS = [0x293a_e76f, 0x7e64_6e2c] as const;
/** In this version of the filters, bytes above 127 are hashed in a way that depends on the processor. */
const ASCII_ALONE = 1;

/** A path as filters know it: see {@link CommitGraph.keyOf}. */
export interface PathKey {
  readonly first: number;
  readonly step: number;
}

interface Chunks {
  readonly fanout: Buffer;
  readonly ids: Buffer;
  readonly data: Buffer;
  readonly edges: Buffer;
  /** Where the filter of each commit ends, and the filters. */
  readonly ends: Buffer | undefined;
  readonly filters: Buffer;
}

/** Commits are known by their place, from 0. */
export class CommitGraph {
  /** Number of commits. */
  readonly count: number;
  private readonly chunks: Chunks;
  private readonly idLength: number;
  private readonly version: number;
  private readonly hashes: number;

  private constructor(chunks: Chunks, count: number, idLength: number) {
    this.chunks = chunks;
    this.count = count;
    this.idLength = idLength;
    const { ends, filters } = chunks;
    this.version = ends === undefined ? 0 : filters.readUInt32BE(0);
    this.hashes = ends === undefined ? 0 : filters.readUInt32BE(4);
  }

  /**
   * @param content of the file
   * @param idLength bytes of a raw object id: 20 or 32
   * @returns undefined for a file that is no such graph, is one of a chain, or does not fit itself
   */
  static parse(content: Buffer, idLength: number): CommitGraph | undefined {
    if (content.length < HEADER || content.toString('latin1', 0, 4) !== SIGNATURE) return undefined;
    const [version, hash, count, bases] = content.subarray(4, HEADER);
    if (version !== 1 || hash !== (idLength === 32 ? 2 : 1) || bases !== 0) return undefined;
    const parts = readTable(content, count ?? 0);
    const [fanout, ids, data] = ['OIDF', 'OIDL', 'CDAT'].map((name) => parts?.get(name));
    if (fanout?.length !== FANOUT || ids === undefined || data === undefined) return undefined;
    const commits = fanout.readUInt32BE(FANOUT - 4);
    if (ids.length !== commits * idLength || data.length !== commits * (idLength + COMMIT_DATA)) {
      return undefined;
    }
    const [ends, filters = NOTHING] = [parts?.get('BIDX'), parts?.get('BDAT')];
    const hasFilters = ends?.length === commits * 4 && filters.length >= FILTER_HEADER;
    const edges = parts?.get('EDGE') ?? NOTHING;
    const chunks = { fanout, ids, data, edges, ends: hasFilters ? ends : undefined, filters };
    return new CommitGraph(chunks, commits, idLength);
  }

  /** Whether there are filters of changed paths. */
  get hasFilters(): boolean {
    return this.chunks.ends !== undefined;
  }

  /** @param oid in hex @returns the commit's place; undefined if it is not in the graph */
  find(oid: string): number | undefined {
    const { fanout, ids } = this.chunks;
    const id = Buffer.from(oid, 'hex');
    const first = id[0];
    if (first === undefined || id.length !== this.idLength) return undefined;
    let low = first === 0 ? 0 : fanout.readUInt32BE((first - 1) * 4);
    let high = Math.min(this.count, fanout.readUInt32BE(first * 4));
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * this.idLength;
      const order = id.compare(ids, at, at + this.idLength);
      if (order === 0) return middle;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return undefined;
  }

  /** The id of a commit, in hex. */
  idOf(place: number): string {
    return this.chunks.ids.toString('hex', place * this.idLength, (place + 1) * this.idLength);
  }

  /** The id of a commit's tree, in hex. */
  treeOf(place: number): string {
    const at = place * (this.idLength + COMMIT_DATA);
    return this.chunks.data.toString('hex', at, at + this.idLength);
  }

  /** The committer's date, as git read it: seconds since 1970, of which the graph has 34 bits. */
  dateOf(place: number): number {
    const at = this.parentsAt(place) + 8;
    return (this.chunks.data.readUInt32BE(at) & 3) * 2 ** 32 + this.chunks.data.readUInt32BE(at + 4);
  }

  /** The first parent; undefined for a commit without parents. */
  firstParentOf(place: number): number | undefined {
    const parent = this.chunks.data.readUInt32BE(this.parentsAt(place));
    return parent < this.count ? parent : undefined;
  }

  /** The parents of a commit, in order. */
  parentsOf(place: number): readonly number[] {
    const first = this.firstParentOf(place);
    if (first === undefined) return [];
    const second = this.chunks.data.readUInt32BE(this.parentsAt(place) + 4);
    if (second < MARK) return second < this.count ? [first, second] : [first];
    const parents = [first];
    for (let at = (second - MARK) * 4; at + 4 <= this.chunks.edges.length; at += 4) {
      const parent = this.chunks.edges.readUInt32BE(at);
      if (parent % MARK < this.count) parents.push(parent % MARK);
      if (parent >= MARK) break;
    }
    return parents;
  }

  /**
   * What filters know a path by.
   * @param path names joined by slashes
   * @returns undefined for a path that these filters cannot tell
   */
  keyOf(path: Buffer): PathKey | undefined {
    if (!this.hasFilters || (this.version === ASCII_ALONE && path.some((byte) => byte > 0x7f))) {
      return undefined;
    }
    return { first: murmur3(SEEDS[0], path), step: murmur3(SEEDS[1], path) };
  }

  /** False if a commit certainly differs in no way from its first parent at a path, or below it. */
  mayChange(place: number, key: PathKey): boolean {
    const { ends, filters } = this.chunks;
    if (ends === undefined) return true;
    const from = FILTER_HEADER + (place === 0 ? 0 : ends.readUInt32BE((place - 1) * 4));
    const to = FILTER_HEADER + ends.readUInt32BE(place * 4);
    const bits = (to - from) * 8;
    // Without a filter, nothing is known.
    if (bits <= 0 || to > filters.length) return true;
    for (let at = 0; at < this.hashes; at++) {
      const bit = ((key.first + Math.imul(at, key.step)) >>> 0) % bits;
      if (((filters[from + (bit >>> 3)] ?? 0) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }

  private parentsAt(place: number): number {
    return place * (this.idLength + COMMIT_DATA) + this.idLength;
  }
}

const NOTHING = Buffer.alloc(0);

/** The chunks by their names; undefined if they do not lie within the file. */
function readTable(content: Buffer, count: number): ReadonlyMap<string, Buffer> | undefined {
  if (content.length < HEADER + (count + 1) * TABLE_ROW) return undefined;
  const parts = new Map<string, Buffer>();
  for (let row = 0; row < count; row++) {
    const at = HEADER + row * TABLE_ROW;
    const [from, to] = [at, at + TABLE_ROW].map((begin) => Number(content.readBigUInt64BE(begin + 4)));
    if (from === undefined || to === undefined || from > to || to > content.length) return undefined;
    parts.set(content.toString('latin1', at, at + 4), content.subarray(from, to));
  }
  return parts;
}
