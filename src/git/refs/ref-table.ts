/**
 * The refs of a repository that has very many: sorted immutable segments, shared by all tables made from one another, and
 * over them a short list of changes, the overlay. The cost of a change does not grow with the number of refs: it is added to
 * the overlay, and when that is full, the segments with the most changes are rewritten.
 */

import { type Cooperative, mapped, runToEnd } from '../../lib/cooperative.ts';
import { type Digest, sha256 } from '../../lib/digest.ts';
import { CairnError } from '../../lib/errors.ts';
import { isObjectId, type ObjectFormat } from '../object-id.ts';
import { foldChanges, LazySegment, segmentFor } from './lazy-segments.ts';
import { refNameProblem, sortingByBytes } from './ref-name.ts';
import type { KeyedChange, RefChange, RefEntry } from './ref-segment.ts';
import { PeeledView, RefsView } from './ref-views.ts';
import { partEntries, type TablePart } from './table-part.ts';

/** Maximum number of changes in the overlay, and how many stay in it when it is written into segments. */
export const maxOverlay = 256;
const overlayKept = 192;

/** Above this many prefixes all segments are loaded, without a look-up of each prefix. */
const prefixesLookedUp = 256;

/** The parts of a table, as they are stored. */
export interface TableParts {
  readonly segments: readonly LazySegment[];
  /** In byte order. */
  readonly overlay: readonly KeyedChange[];
  /** Number of refs. */
  readonly size: number;
}

/** Refs that are about to be read: by name, and by prefix. */
export interface WantedRefs {
  readonly names: readonly string[];
  readonly prefixes: readonly string[];
}

/** Loads the contents of segments. */
export type LoadSegments = (segments: readonly LazySegment[]) => Promise<void>;

export class RefTable implements TableParts {
  readonly format: ObjectFormat;
  readonly segments: readonly LazySegment[];
  readonly overlay: readonly KeyedChange[];
  readonly size: number;
  /** Name → object id. */
  readonly refs: ReadonlyMap<string, string>;
  /** Name of a ref whose value is a tag object → peeled object id. */
  readonly peeled: ReadonlyMap<string, string>;
  private readonly changed: ReadonlyMap<string, KeyedChange>;
  private readonly load: LoadSegments | undefined;
  private sound: boolean | undefined;
  private name: Digest | undefined;

  /** @param load loads segments that are missing; absent if none is */
  constructor(format: ObjectFormat, parts: TableParts, load?: LoadSegments) {
    this.format = format;
    this.segments = parts.segments;
    this.overlay = parts.overlay;
    this.size = parts.size;
    this.load = load;
    this.changed = new Map(parts.overlay.map((change) => [change.name, change]));
    this.refs = new RefsView(this);
    this.peeled = new PeeledView(this);
  }

  /**
   * Makes a table of these refs.
   * @param peeled peeled object ids, by the name of the ref
   * @throws CairnError `invalid` for an invalid name or object id
   */
  static from(
    format: ObjectFormat,
    refs: ReadonlyMap<string, string>,
    peeled: ReadonlyMap<string, string>,
  ): RefTable {
    return runToEnd(RefTable.making(format, refs, peeled));
  }

  /** The same for very many refs: it yields to other work. */
  static *making(
    format: ObjectFormat,
    refs: ReadonlyMap<string, string>,
    peeled: ReadonlyMap<string, string>,
  ): Cooperative<RefTable> {
    const changes = yield* mapped(refs, ([name, oid]) => ({ name, oid, peeled: peeled.get(name) }));
    const none = new RefTable(format, { segments: [], overlay: [], size: 0 });
    return yield* none.changing(changes, 0);
  }

  /** The object id of a ref; undefined if it does not exist. */
  get(name: string): string | undefined {
    const change = this.changed.get(name);
    return change === undefined ? this.storedAt(Buffer.from(name))?.oid : change.oid;
  }

  /** The peeled object id of a ref; undefined if its value is not a tag object. */
  peeledOf(name: string): string | undefined {
    const change = this.changed.get(name);
    return change === undefined ? this.storedAt(Buffer.from(name))?.peeled : change.peeled;
  }

  /** The refs whose names begin with `prefix`, in byte order. */
  *startingWith(prefix: string): Generator<RefEntry, undefined> {
    for (const part of this.parts(prefix)) yield* partEntries(part);
    return undefined;
  }

  /** Counts the refs whose names begin with `prefix`, without reading each. */
  countStartingWith(prefix: string): number {
    return prefix === '' ? this.size : this.count(prefix);
  }

  /** Identifies the content of the table: SHA-256 over the digests of its segments and its changes. */
  get digest(): Digest {
    this.name ??= sha256(
      JSON.stringify([
        this.segments.map(({ summary }) => summary.digest),
        this.overlay.map(({ name, oid = null, peeled = null }) => [name, oid, peeled]),
      ]),
    );
    return this.name;
  }

  /** True if the table has as many refs as `size` states. All segments must be loaded. */
  get isSound(): boolean {
    this.sound ??= this.count('') === this.size;
    return this.sound;
  }

  private count(prefix: string): number {
    let count = 0;
    for (const { segment, from, to, changes } of this.parts(prefix)) {
      count += to - from;
      for (const { key, oid } of changes) {
        const replaces = segment?.isAt(segment.lowerBound(key), key) === true;
        count += (oid === undefined ? 0 : 1) - (replaces ? 1 : 0);
      }
    }
    return count;
  }

  /** The refs whose value, or whose peeled value, is this object. */
  *pointingAt(oid: string): Generator<RefEntry, undefined> {
    for (const change of this.overlay) {
      if (change.oid !== undefined && (change.oid === oid || change.peeled === oid)) {
        yield { name: change.name, oid: change.oid, peeled: change.peeled };
      }
    }
    for (const { content } of this.segments) {
      for (const entry of content.pointingAt(oid)) if (!this.changed.has(entry.name)) yield entry;
    }
    return undefined;
  }

  /**
   * The names of all refs that differ between two tables. The cost depends only on the segments and changes that they do not
   * share.
   */
  *differencesTo(other: RefTable): Generator<string, undefined> {
    const compared = new Set<string>();
    for (const name of candidates(this, other)) {
      if (compared.has(name)) continue;
      compared.add(name);
      if (this.get(name) !== other.get(name)) yield name;
    }
    return undefined;
  }

  /**
   * The table after changes. Later changes override earlier ones. A change without effect is dropped.
   * @throws CairnError `invalid` for an invalid name or object id
   */
  with(changes: Iterable<RefChange>): RefTable {
    return runToEnd(this.changing(changes));
  }

  /**
   * The same for very many changes: it yields to other work.
   * @param kept how many changes may stay in the overlay if there are too many for it
   */
  *changing(changes: Iterable<RefChange>, kept = overlayKept): Cooperative<RefTable> {
    const pending = new Map(this.changed);
    let size = this.size;
    for (const { name, oid, peeled } of changes) {
      yield;
      if (oid !== undefined) checkRef({ name, oid, peeled }, this.format);
      const key = Buffer.from(name);
      const stored = this.storedAt(key);
      const before = pending.get(name) ?? stored;
      size += (oid === undefined ? 0 : 1) - (before?.oid === undefined ? 0 : 1);
      if (stored?.oid === oid && stored?.peeled === peeled) pending.delete(name);
      else pending.set(name, { name, key, oid, peeled });
    }
    const overlay = yield* inOrder(pending);
    const parts =
      overlay.length <= maxOverlay && kept > 0
        ? { segments: this.segments, overlay }
        : yield* foldChanges(this.segments, overlay, kept, this.format);
    return new RefTable(this.format, { ...parts, size }, this.load);
  }

  /** The same table with other numbers of stored copies. @param copies number of the copy, by digest of the segment */
  withCopies(copies: ReadonlyMap<string, number>): RefTable {
    const segments = this.segments.map((lazy) => {
      const n = copies.get(lazy.summary.digest);
      return n === undefined ? lazy : new LazySegment({ ...lazy.summary, n }, lazy.content);
    });
    return new RefTable(this.format, { segments, overlay: this.overlay, size: this.size }, this.load);
  }

  /**
   * Loads segments that are missing: all of them, or only those for certain refs.
   * @throws CairnError `corrupt` naming the segment that is missing or damaged; `unavailable` if the store fails
   */
  async ready(wanted?: WantedRefs): Promise<void> {
    const all = wanted === undefined || wanted.prefixes.length > prefixesLookedUp;
    const missing = new Set<LazySegment>();
    for (const lazy of all ? this.segments : this.segmentsFor(wanted)) if (!lazy.isHere) missing.add(lazy);
    if (missing.size === 0) return;
    if (this.load === undefined) throw new Error('a table of refs has segments that it cannot load');
    await this.load([...missing]);
  }

  /** The parts with the refs that begin with `prefix`, in byte order. */
  *parts(prefix = ''): Generator<TablePart, undefined> {
    const key = Buffer.from(prefix);
    let next = this.overlay.findIndex((change) => change.name.startsWith(prefix));
    if (next === -1) next = this.overlay.length;
    for (let at = segmentFor(this.segments, key); at === 0 || at < this.segments.length; at++) {
      const lazy = this.segments[at];
      const following = this.segments[at + 1];
      const begin = next;
      for (let change = this.overlay[next]; change?.name.startsWith(prefix); change = this.overlay[++next]) {
        if (following !== undefined && change.key.compare(following.firstKey) >= 0) break;
      }
      const changes = this.overlay.slice(begin, next);
      if (lazy?.reaches(key)) {
        const segment = lazy.content;
        const from = segment.lowerBound(key);
        yield { segment, from, to: segment.upperBound(key), changes };
      } else if (changes.length > 0) yield { segment: undefined, from: 0, to: 0, changes };
      if (following === undefined || following.beginsBehind(key)) break;
    }
    return undefined;
  }

  /** The ref as the segments have it, without the overlay. @param key its name as bytes */
  storedAt(key: Buffer): RefEntry | undefined {
    const lazy = this.segments[segmentFor(this.segments, key)];
    if (lazy === undefined || lazy.firstKey.compare(key) > 0 || lazy.lastKey.compare(key) < 0)
      return undefined;
    return lazy.content.find(key);
  }

  private *segmentsFor(wanted: WantedRefs): Generator<LazySegment, undefined> {
    for (const name of wanted.names) {
      const lazy = this.segments[segmentFor(this.segments, Buffer.from(name))];
      if (lazy !== undefined) yield lazy;
    }
    for (const prefix of wanted.prefixes) {
      const key = Buffer.from(prefix);
      for (let at = segmentFor(this.segments, key); at < this.segments.length; at++) {
        const lazy = this.segments[at];
        if (lazy?.beginsBehind(key)) break;
        if (lazy?.reaches(key)) yield lazy;
      }
    }
    return undefined;
  }
}

/** Changes in byte order of their names. */
function* inOrder(changes: ReadonlyMap<string, KeyedChange>): Cooperative<KeyedChange[]> {
  const names = yield* sortingByBytes(changes.keys());
  return names.map((name) => changes.get(name)).filter((change) => change !== undefined);
}

/** Names of refs that may differ between two tables, some of them more than once. */
function* candidates(one: RefTable, other: RefTable): Generator<string, undefined> {
  for (const { overlay } of [one, other]) for (const { name } of overlay) yield name;
  const digests = (table: RefTable) => new Set(table.segments.map(({ summary }) => summary.digest));
  for (const [table, shared] of [
    [one, digests(other)],
    [other, digests(one)],
  ] as const) {
    for (const lazy of table.segments) {
      if (shared.has(lazy.summary.digest)) continue;
      for (const { name } of lazy.content.entries()) yield name;
    }
  }
  return undefined;
}

/** @throws CairnError `invalid` for an invalid name or object id */
function checkRef({ name, oid, peeled }: RefEntry, format: ObjectFormat): void {
  const problem = refNameProblem(name);
  if (problem !== undefined) throw new CairnError('invalid', `ref ${name}: ${problem}`);
  if (!isObjectId(oid, format)) throw new CairnError('invalid', `ref ${name} is not an object id`);
  if (peeled !== undefined && !isObjectId(peeled, format)) {
    throw new CairnError('invalid', `peeled ${name} is not an object id`);
  }
}

/** The table whose refs a map shows completely; undefined for any other map. */
export function tableOf(refs: ReadonlyMap<string, string>): RefTable | undefined {
  return refs instanceof RefsView && refs.isWhole && refs.table instanceof RefTable ? refs.table : undefined;
}
