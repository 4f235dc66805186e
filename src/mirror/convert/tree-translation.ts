/** Trees in SHA-256: every entry keeps its mode and name, and its id of 20 bytes becomes one of 32. */
import { CairnError } from '../../lib/errors.ts';

const OLD_ID = 20;
const NEW_ID = 32;
const GROWTH = NEW_ID - OLD_ID;
const SPACE = 0x20;
/** Most bytes that one instruction of a delta inserts, and copies (gitformat-pack). */
const MOST_INSERTED = 127;
const MOST_COPIED = 0xff_ffff;
/** Bytes of an instruction that copies, at most. */
const COPY_INSTRUCTION = 8;

/** A tree in both forms. */
export interface TranslatedTree {
  readonly old: Buffer;
  /** Where each entry begins in `old`, and at the end the length of `old`. */
  readonly starts: Uint32Array;
  readonly fresh: Buffer;
}

/**
 * Writes the new id for the old raw id at `at` in `bytes` into `target`. Returns false if the object is not converted yet.
 */
export type WriteNewId = (bytes: Buffer, at: number, target: Buffer, targetAt: number) => boolean;

/** The translation of a tree. It may wait for ids of objects that are not converted yet. */
export class Translation {
  readonly tree: TranslatedTree;
  private readonly deltaParts: DeltaBuilder | undefined;
  /** Entries without a new id. */
  private readonly open: number[] = [];

  /** @param delta makes the new form of the tree from that of its base */
  constructor(tree: TranslatedTree, delta?: DeltaBuilder) {
    this.tree = tree;
    this.deltaParts = delta;
  }

  /** True for a tree that is stored as a delta. */
  get isDelta(): boolean {
    return this.deltaParts !== undefined;
  }

  /** Writes mode and name of an entry, and leaves its id open. */
  addEntry(entry: number): void {
    const { old, starts, fresh } = this.tree;
    const [from = 0, to = 0] = [starts[entry], starts[entry + 1]];
    old.copy(fresh, from + GROWTH * entry, from, to - OLD_ID);
    this.open.push(entry);
  }

  /** Writes the ids that are known. @returns true when all are written */
  complete(writeNewId: WriteNewId): boolean {
    const { open } = this;
    const { old, starts, fresh } = this.tree;
    let left = 0;
    for (const entry of open) {
      const id = (starts[entry + 1] ?? 0) - OLD_ID;
      if (!writeNewId(old, id, fresh, id + GROWTH * entry)) open[left++] = entry;
    }
    open.length = left;
    return left === 0;
  }

  /** The delta, when all ids are written; undefined for a tree that was stored whole. */
  delta(): Buffer | undefined {
    return this.deltaParts?.finish();
  }
}

/**
 * Translates a tree that is stored whole.
 * @throws CairnError `corrupt` if it is not a tree
 */
export function translateTree(old: Buffer): Translation {
  const starts = entryStarts(old);
  const count = starts.length - 1;
  const translation = new Translation({
    old,
    starts,
    fresh: Buffer.allocUnsafe(old.length + GROWTH * count),
  });
  for (let entry = 0; entry < count; entry++) translation.addEntry(entry);
  return translation;
}

/** Where each entry begins, and the length of the tree. */
export function entryStarts(tree: Buffer): Uint32Array {
  const starts: number[] = [];
  for (let at = 0; at < tree.length; at = entryEnd(tree, at)) starts.push(at);
  starts.push(tree.length);
  return Uint32Array.from(starts);
}

/** Where the entry ends that begins at `at`. @throws CairnError `corrupt` if there is no whole entry */
function entryEnd(tree: Buffer, at: number): number {
  let next = at;
  while (next < tree.length && tree[next] !== SPACE && tree[next] !== 0) next++;
  if (tree[next] !== SPACE) throw malformed();
  while (next < tree.length && tree[next] !== 0) next++;
  const end = next + 1 + OLD_ID;
  if (end > tree.length) throw malformed();
  return end;
}

function malformed(): CairnError {
  return new CairnError('corrupt', 'it is not a tree: an entry has no mode, no name or no whole id');
}

/**
 * Translates a tree that is stored as a delta. What the delta copies is copied in both forms, so only entries that differ from
 * the base are looked at.
 * @param delta makes the old form of the tree from the old form of `base`
 * @throws CairnError `corrupt` if it is no delta of this base, or the result is not a tree
 */
export function translateDelta(base: TranslatedTree, delta: Buffer): Translation {
  const { old, segments } = applySegments(base.old, delta);
  const runs = findRuns(base, old, segments);
  const count = runs.reduce((sum, { first, last }) => sum + last - first, 0);
  const fresh = Buffer.allocUnsafe(old.length + GROWTH * count);
  const starts = new Uint32Array(count + 1);
  let entry = 0;
  for (const { isCopy, first, last, from } of runs) {
    const shift = isCopy ? from - (base.starts[first] ?? 0) : 0;
    if (isCopy)
      for (let index = first; index < last; index++) starts[entry++] = (base.starts[index] ?? 0) + shift;
    else starts[entry++] = from;
  }
  starts[count] = old.length;

  const made = new DeltaBuilder(base.fresh.length, fresh);
  const translation = new Translation({ old, starts, fresh }, made);
  entry = 0;
  for (const { isCopy, first, last } of runs) {
    const at = (starts[entry] ?? 0) + GROWTH * entry;
    if (isCopy) {
      const begin = (base.starts[first] ?? 0) + GROWTH * first;
      const end = (base.starts[last] ?? 0) + GROWTH * last;
      base.fresh.copy(fresh, at, begin, end);
      made.copy(begin, end - begin);
    } else {
      translation.addEntry(entry);
      made.insert(at, (starts[entry + 1] ?? 0) + GROWTH * (entry + 1));
    }
    entry += last - first;
  }
  return translation;
}

/** Bytes of a tree: copied from its base, or inserted. */
interface Segment {
  /** Where it ends in the tree. */
  readonly end: number;
  /** Where its first byte is in the base; -1 if it is inserted. */
  readonly source: number;
}

/** Applies a delta, and tells which bytes come from where. */
function applySegments(base: Buffer, delta: Buffer): { readonly old: Buffer; readonly segments: Segment[] } {
  let next = 0;
  const size = () => {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = delta[next++];
      if (byte === undefined) throw damaged();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  };
  if (size() !== base.length) throw damaged();
  const old = Buffer.allocUnsafe(size());
  const segments: Segment[] = [];
  let filled = 0;
  while (next < delta.length) {
    const op = delta[next++] ?? 0;
    let [source, length] = [-1, op];
    if (op & 0x80) {
      [source, length] = [0, 0];
      for (let bit = 0; bit < 4; bit++) if (op & (1 << bit)) source += (delta[next++] ?? 0) * 2 ** (8 * bit);
      for (let bit = 0; bit < 3; bit++) if (op & (16 << bit)) length += (delta[next++] ?? 0) << (8 * bit);
      if (length === 0) length = 0x1_0000;
      if (source + length > base.length || filled + length > old.length) throw damaged();
      base.copy(old, filled, source, source + length);
    } else {
      if (op === 0 || next + op > delta.length || filled + op > old.length) throw damaged();
      delta.copy(old, filled, next, next + op);
      next += op;
    }
    filled += length;
    segments.push({ end: filled, source });
  }
  if (filled !== old.length || next !== delta.length) throw damaged();
  return { old, segments };
}

/** Entries of a tree: `first` to `last` of its base, which are equal byte for byte, or one entry that is looked at. */
interface Run {
  readonly isCopy: boolean;
  readonly first: number;
  readonly last: number;
  /** Where it lies in the old form. */
  readonly from: number;
  readonly to: number;
}

function findRuns(base: TranslatedTree, old: Buffer, segments: readonly Segment[]): Run[] {
  const runs: Run[] = [];
  let at = 0;
  let begin = 0;
  for (const { end, source } of segments) {
    while (at < end) {
      const run =
        source === -1 ? undefined : copiedEntries(base, source + at - begin, source + end - begin, at);
      const next = run ?? { isCopy: false, first: 0, last: 1, from: at, to: entryEnd(old, at) };
      runs.push(next);
      at = next.to;
    }
    begin = end;
  }
  return runs;
}

/** The whole entries of the base between two offsets, if one begins at the first; undefined if there are none. */
function copiedEntries({ starts }: TranslatedTree, from: number, to: number, at: number): Run | undefined {
  const first = lastAtMost(starts, from);
  if (starts[first] !== from) return undefined;
  const last = lastAtMost(starts, to);
  if (last <= first) return undefined;
  return { isCopy: true, first, last, from: at, to: at + (starts[last] ?? 0) - from };
}

/** The index of the last number that is not above `limit`; the first one never is. */
function lastAtMost(sorted: Uint32Array, limit: number): number {
  let [low, high] = [0, sorted.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= limit) low = middle;
    else high = middle;
  }
  return low;
}

/** Builds a delta (gitformat-pack, "Deltified representation"). Copies and insertions that follow each other become one. */
class DeltaBuilder {
  private readonly parts: Buffer[] = [];
  private readonly result: Buffer;
  private inserted = { from: 0, to: 0 };
  private copied = { from: 0, to: 0 };

  /** @param result what the delta makes; it may be filled later, before {@link finish} */
  constructor(baseSize: number, result: Buffer) {
    this.result = result;
    this.parts.push(varint(baseSize), varint(result.length));
  }

  copy(from: number, length: number): void {
    this.endInsert();
    if (this.copied.to !== from) {
      this.endCopy();
      this.copied = { from, to: from };
    }
    this.copied.to = from + length;
  }

  /** Inserts bytes of the result. */
  insert(from: number, to: number): void {
    this.endCopy();
    if (this.inserted.to === this.inserted.from) this.inserted.from = from;
    this.inserted.to = to;
  }

  finish(): Buffer {
    this.endCopy();
    this.endInsert();
    return Buffer.concat(this.parts);
  }

  private endInsert(): void {
    const { from, to } = this.inserted;
    for (let at = from; at < to; at += MOST_INSERTED) {
      const end = Math.min(to, at + MOST_INSERTED);
      this.parts.push(Buffer.from([end - at]), this.result.subarray(at, end));
    }
    this.inserted = { from: 0, to: 0 };
  }

  private endCopy(): void {
    const { from, to } = this.copied;
    for (let at = from; at < to; at += MOST_COPIED) {
      this.parts.push(copyInstruction(at, Math.min(to - at, MOST_COPIED)));
    }
    this.copied = { from: 0, to: 0 };
  }
}

function copyInstruction(offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(COPY_INSTRUCTION);
  let op = 0x80;
  let end = 1;
  for (let bit = 0; bit < 4; bit++) {
    const byte = Math.floor(offset / 2 ** (8 * bit)) & 0xff;
    if (byte === 0) continue;
    op |= 1 << bit;
    bytes[end++] = byte;
  }
  for (let bit = 0; bit < 3; bit++) {
    const byte = (length >>> (8 * bit)) & 0xff;
    if (byte === 0) continue;
    op |= 16 << bit;
    bytes[end++] = byte;
  }
  bytes[0] = op;
  return bytes.subarray(0, end);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function damaged(): CairnError {
  return new CairnError('corrupt', 'its delta cannot be applied');
}
