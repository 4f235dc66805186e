import { type ArtifactName, isNameOf } from '../../../fossil/artifact-name.ts';
import { parseCheckIn } from '../../../fossil/check-in.ts';
import { filesOfCheckIn } from '../../../fossil/check-in-files.ts';
import { deflatePayload } from '../../../fossil/compression.ts';
import { createDelta } from '../../../fossil/create-delta.ts';
import { applyDelta } from '../../../fossil/delta.ts';
import type { Clock } from '../../../lib/clock.ts';
import { Yielder } from '../../../lib/cooperative.ts';
import { inMemory } from '../../../lib/file-bytes.ts';
import { LruMap } from '../../../lib/lru.ts';
import type { Bag } from '../../../repository/fossil/bag.ts';
import { isPublic, isVisible, status } from '../../../repository/fossil/bag-state.ts';
import { NONE } from '../../../repository/fossil/bag-table.ts';
import { ContentCache } from '../../../repository/fossil/content-cache.ts';
import type { ContentMaker } from '../../../repository/fossil/content-maker.ts';
import { type ExpandContext, expand } from '../../../repository/fossil/expand.ts';
import { flags } from '../../../repository/fossil/pack-index.ts';
import type { PackSession } from '../../../repository/fossil/pack-reader.ts';

/** Deltas that one content may be made of after a fold has made new ones. */
const LONGEST_CHAIN = 100;

/** More deltas than any chain has. */
const MOST_DELTAS = 0xffff;

/** Check-ins that are read in one fold. */
const CHECK_INS = 50_000;

/** Bytes of a content. Smaller ones have little to save; larger ones would hold up other work. */
const SMALLEST = 100;
const LARGEST = 1 << 20;

/** Bytes that a delta has to save, as in stock Fossil. */
const SAVES_AT_LEAST = 50;

/** Memory for contents. */
const CONTENTS = { bytes: 32 << 20, entries: 100_000 };

/** Check-ins whose lists of files are kept: most have the one before them for a parent. */
const LISTS = 8;

export interface VersionDeltasOptions {
  readonly bag: Bag;
  readonly session: PackSession;
  readonly maker: ContentMaker;
  /** Whether the fold copies a pack. Only what it copies becomes a source. */
  readonly isCopied: (pack: number) => boolean;
  /** Whether the check-ins of a pack are read. Those of earlier folds have been, as a rule. */
  readonly isRead: (pack: number) => boolean;
  readonly clock: Clock;
  /** Monotonic milliseconds after which nothing more is made. */
  readonly until: number;
  readonly signal: AbortSignal;
}

/** An artifact that is stored as a delta from now on. */
export interface VersionDelta {
  readonly source: ArtifactName;
  readonly payload: Uint8Array;
}

/**
 * Finds artifacts that came whole although the version after them is here, and makes deltas of them: a check-in of the one that follows
 * it, a file of the one with the same name in the next check-in. So the newest version stays whole, as in stock Fossil: it is read most,
 * and a stock client that clones deltas the other way round turns all of them. Every delta is applied and verified before it is used.
 * Nothing public is made of something private or shunned.
 */
export class VersionDeltas {
  private readonly options: VersionDeltasOptions;
  private readonly expanding: ExpandContext;
  /** The next version of artifacts that are whole, by slots. */
  private readonly after = new Map<number, number>();
  /** Sources of artifacts that were whole, by slots. */
  private readonly made = new Map<number, number>();
  /** Of each slot, how many deltas follow each other from it on. */
  private readonly heights: Uint16Array;
  private readonly lists = new LruMap<number, ReadonlyMap<string, ArtifactName>>(LISTS);
  private readonly yielder = new Yielder();

  constructor(options: VersionDeltasOptions) {
    const { bag, session, maker } = options;
    this.options = options;
    const contents = new ContentCache(CONTENTS);
    this.expanding = { state: bag.view, session, repository: bag.repository, contents, maker };
    this.heights = new Uint16Array(bag.view.slots);
  }

  /** Reads check-ins, to learn which artifact is the next version of which. To be called once, before {@link of}. */
  async find(): Promise<void> {
    const { table, slots, count } = this.options.bag.view;
    for (let slot = 0; slot < slots; slot++) {
      if ((slot & 0xfff) === 0) await this.pause();
      if (this.isHeld(slot)) this.raise(slot);
    }
    let checkIns = 0;
    for (let position = 0; position < count && checkIns < CHECK_INS && !this.isLate; position++) {
      const slot = table.slotAt(position);
      if ((table.flagsOf(slot) & flags.checkIn) === 0 || !this.options.isRead(table.packOf(slot))) continue;
      await this.pause();
      await this.read(slot);
      checkIns++;
    }
  }

  /**
   * A delta for an artifact that is whole.
   * @returns undefined if the version after it is not known, or a delta would save too little or make a chain too long
   * @throws CairnError `corrupt` if a content cannot be made
   */
  async of(slot: number): Promise<VersionDelta | undefined> {
    const { bag } = this.options;
    const { table } = bag.view;
    const source = this.after.get(slot);
    if (source === undefined || this.isLate || !this.mayBeSource(source, slot)) return undefined;
    const depth = 1 + this.depthOf(source, slot);
    if (depth + (this.heights[slot] ?? 0) > LONGEST_CHAIN) return undefined;
    await this.pause();
    const [from, content] = [await this.content(source), await this.content(slot)];
    const delta = createDelta(from, content);
    const payload = deflatePayload(delta);
    if (payload.length + SAVES_AT_LEAST > table.lengthOf(slot)) return undefined;
    if (!isNameOf(table.names.at(slot), applyDelta(from, delta, content.length))) return undefined;
    this.made.set(slot, source);
    this.raise(slot);
    return { source: table.names.at(source), payload };
  }

  /** How many deltas make the content of an artifact, with those that have been made up to now. */
  chainOf(slot: number): number {
    return this.depthOf(slot, NONE);
  }

  private get isLate(): boolean {
    return this.options.clock.monotonic() >= this.options.until;
  }

  private async pause(): Promise<void> {
    this.options.signal.throwIfAborted();
    await this.yielder.next();
  }

  private async read(slot: number): Promise<void> {
    const { bag } = this.options;
    const { table } = bag.view;
    if (table.sizeOf(slot) > LARGEST) return;
    const content = await this.content(slot);
    const [name] = parseCheckIn(content)?.parents ?? [];
    const parent = name === undefined ? NONE : bag.slotOf(name);
    if (parent === NONE || !isVisible(bag.bitsOf(parent)) || table.sizeOf(parent) > LARGEST) return;
    this.note(parent, slot);
    const files = this.filesOf(slot, content);
    const earlier = this.lists.get(parent) ?? this.filesOf(parent, await this.content(parent));
    for (const [path, file] of files) {
      const old = earlier.get(path);
      if (old !== undefined && old !== file) this.note(bag.slotOf(old), bag.slotOf(file));
    }
  }

  /** A content of a size for deltas. Those that it is made of may be larger. */
  private async content(slot: number): Promise<Uint8Array> {
    return inMemory(await expand(this.expanding, slot));
  }

  private filesOf(slot: number, content: Uint8Array): ReadonlyMap<string, ArtifactName> {
    const files = filesOfCheckIn(content);
    this.lists.set(slot, files, 1);
    return files;
  }

  /** Keeps which version comes after one that is whole, if both are of a size for deltas. */
  private note(slot: number, after: number): void {
    const { table } = this.options.bag.view;
    if (slot === NONE || after === NONE || slot === after || this.after.has(slot)) return;
    const isFit = (each: number) => table.sizeOf(each) >= SMALLEST && table.sizeOf(each) <= LARGEST;
    const isWhole = this.isHeld(slot) && table.sourceOf(slot) === NONE;
    if (isWhole && this.isHeld(after) && isFit(slot) && isFit(after)) this.after.set(slot, after);
  }

  private isHeld(slot: number): boolean {
    return (this.options.bag.bitsOf(slot) & status.held) !== 0;
  }

  private mayBeSource(source: number, slot: number): boolean {
    const { bag, isCopied } = this.options;
    const bits = bag.bitsOf(source);
    const isPrivate = (bag.bitsOf(slot) & status.private) !== 0;
    return isCopied(bag.view.table.packOf(source)) && (isPrivate ? isVisible(bits) : isPublic(bits));
  }

  private sourceOf(slot: number): number {
    return this.made.get(slot) ?? this.options.bag.view.table.sourceOf(slot);
  }

  /** How many deltas make a content; more than any chain may have if `but` is one of those it is made of. */
  private depthOf(slot: number, but: number): number {
    let depth = 0;
    for (let at = slot; at !== NONE; at = this.sourceOf(at)) {
      if (at === but) return LONGEST_CHAIN;
      if (depth > MOST_DELTAS) return depth;
      if (this.sourceOf(at) !== NONE) depth++;
    }
    return depth;
  }

  /** Tells everything that an artifact is made of how many deltas follow. */
  private raise(slot: number): void {
    let height = this.heights[slot] ?? 0;
    for (let at = this.sourceOf(slot); at !== NONE; at = this.sourceOf(at)) {
      height++;
      if ((this.heights[at] ?? 0) >= height || height > 0xfff) return;
      this.heights[at] = height;
    }
  }
}
