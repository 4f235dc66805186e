/** What is derived from the packs of one published state. All of it can be derived again, so none of it is stored. */
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { compareUnversioned, type UnversionedFile } from '../../fossil/unversioned.ts';
import type { Cooperative } from '../../lib/cooperative.ts';
import { BagTable, NONE } from './bag-table.ts';
import { DraftedDeltas } from './drafted-deltas.ts';
import type { FossilPack } from './fossil-manifest.ts';
import type { NameHash } from './name-table.ts';
import { flags, NO_SOURCE, type PackIndex, STEPS } from './pack-index.ts';
import { type WaitingDelta, WaitingDeltas, type WaitingInState } from './waiting-deltas.ts';

/** What a state says of a slot, as bits. */
export const status = {
  /** A verified record is in the packs. */
  held: 1,
  /** That record is private. */
  private: 2,
  /** It is a member of a cluster that everybody sees. */
  clustered: 4,
  /** It is a parent of a visible check-in that begins no branch. */
  parent: 8,
  shunned: 16,
  /** It is the first parent of one; others are merged into it and may be of other branches. */
  followed: 32,
} as const;

/** Records that are no artifacts. */
const NO_ARTIFACT = flags.unversioned | flags.wrong | flags.waiting;

/** Where the content of an unversioned file is. */
export interface ContentPlace {
  readonly pack: number;
  readonly offset: number;
  readonly length: number;
  readonly size: number;
}

/** What a state has, for readers. It never changes. */
export interface BagState extends WaitingInState {
  readonly table: BagTable;
  readonly packs: readonly FossilPack[];
  readonly shunned: readonly ArtifactName[];
  /** How many slots of the table belong to this state. */
  readonly slots: number;
  /** How many artifacts are visible: held and not shunned, private ones included. Their positions are below. */
  readonly count: number;
  /** How many of them everybody sees. */
  readonly publicCount: number;
  /** How many of those are in no cluster. */
  readonly unclusteredCount: number;
  /** How many members of clusters are not here, without shunned ones. */
  readonly missingMembers: number;
  /** Bits of {@link status} by slot. */
  readonly status: Uint8Array;
  readonly unversioned: ReadonlyMap<string, UnversionedFile>;
  readonly contents: ReadonlyMap<ArtifactName, ContentPlace>;
}

/** Whether a slot has an artifact that may be seen, at least by those who see private ones. */
export function isVisible(bits: number): boolean {
  return (bits & (status.held | status.shunned)) === status.held;
}

/** Whether everybody sees it. */
export function isPublic(bits: number): boolean {
  return (bits & (status.held | status.shunned | status.private)) === status.held;
}

/**
 * What a state says of a slot, as bits of {@link status}; nothing of {@link NONE}. An array is not read at that place: V8 would
 * compile the code that does so again each time, since it never learns of a number that is none of its small ones.
 */
export function bitsOf({ status: bits }: Pick<BagState, 'status'>, slot: number): number {
  return slot === NONE ? 0 : (bits[slot] ?? 0);
}

/** Bytes of memory that a state takes beside its table. */
export function ownMemory(state: BagState): number {
  return state.status.length + 100 * (state.waiting.length + state.unversioned.size + state.contents.size);
}

/**
 * Derives a state from the one before it: the packs that are new are added one after another. Costs what they have, and a copy of
 * one byte for each name. If the table of the state before has grown since, or an artifact becomes public, the table is copied.
 */
export class BagDraft {
  private table: BagTable;
  /** True when no state but the one to be made reads what is in the table. */
  private owns: boolean;
  private readonly packs: FossilPack[];
  private readonly shunned: readonly ArtifactName[];
  private status: Uint8Array;
  private publicCount: number;
  private unclusteredCount: number;
  private missingMembers: number;
  private readonly waiting: DraftedDeltas;
  private unversioned: ReadonlyMap<string, UnversionedFile>;
  private contents: ReadonlyMap<ArtifactName, ContentPlace>;
  private ownUnversioned: Map<string, UnversionedFile> | undefined;
  private ownContents: Map<ArtifactName, ContentPlace> | undefined;

  private constructor(from: BagState, owns: boolean) {
    this.owns = owns;
    this.table = from.table;
    this.packs = [...from.packs];
    this.shunned = from.shunned;
    this.status = from.status.slice();
    this.publicCount = from.publicCount;
    this.unclusteredCount = from.unclusteredCount;
    this.missingMembers = from.missingMembers;
    this.waiting = new DraftedDeltas(from);
    this.unversioned = from.unversioned;
    this.contents = from.contents;
  }

  /** Begins with nothing. */
  static empty(hash: NameHash, shunned: readonly ArtifactName[]): BagDraft {
    const draft = new BagDraft(nothing(hash, shunned), true);
    for (const name of shunned) draft.mark(draft.table.names.add(name), status.shunned);
    return draft;
  }

  /** Begins with a state, which stays as it is. */
  static from(state: BagState): BagDraft {
    const { table, slots, count } = state;
    const isLast = !table.drafted && table.names.size === slots && table.count === count;
    if (!isLast) return new BagDraft({ ...state, table: table.copy(slots, count) }, true);
    table.drafted = true;
    return new BagDraft(state, false);
  }

  /** Adds a pack behind those before. */
  *add(pack: FossilPack, index: PackIndex): Cooperative<void> {
    const number = this.packs.length;
    const isFirst = this.table.names.size === 0;
    this.packs.push(pack);
    const slots = yield* index.numbersIn(this.table.names);
    this.makeRoom();
    // A table without names gives them the numbers that they have in the index, if each is there once.
    const isWhole = isFirst && this.table.names.size === index.names && index.hasOnlyPublicArtifacts;
    if (isWhole) this.holdAll(number, index);
    const effective = isWhole ? undefined : yield* this.addRecords(number, index, slots);
    yield* this.addLinks(index, slots, effective);
    for (const file of index.unversioned) this.addUnversioned(file);
  }

  /** To be called once, after all packs. */
  finish(): BagState {
    this.table.drafted = false;
    const { table, packs, shunned, publicCount, unclusteredCount, missingMembers } = this;
    return {
      table,
      packs,
      shunned,
      slots: table.names.size,
      count: table.count,
      publicCount,
      unclusteredCount,
      missingMembers,
      status: this.status,
      ...this.waiting.left((delta) => stillWaits(this.status[delta.slot] ?? 0, delta)),
      unversioned: this.unversioned,
      contents: this.contents,
    };
  }

  /** Adds a first pack of nothing but artifacts that everybody sees: a full fold, or a clone. Its columns are those of the table. */
  private holdAll(pack: number, index: PackIndex): void {
    this.table.adopt(pack, index);
    this.status.fill(status.held, 0, index.records);
    this.publicCount = index.records;
    this.unclusteredCount = index.records;
  }

  /** @param effective as {@link addRecords} returns it; undefined if it is 1 for all */
  private *addLinks(
    index: PackIndex,
    slots: Uint32Array,
    effective: Uint8Array | undefined,
  ): Cooperative<void> {
    let link = 0;
    for (let group = 0; group < index.groupCount; group += STEPS) {
      link = this.linkStretch(index, slots, effective, group, link);
      yield;
    }
  }

  /** Adds the links of some groups. @param begin the first link of the first of them. @returns the one after the last */
  private linkStretch(
    index: PackIndex,
    slots: Uint32Array,
    effective: Uint8Array | undefined,
    first: number,
    begin: number,
  ): number {
    const { links } = index;
    const last = Math.min(index.groupCount, first + STEPS);
    let link = begin;
    for (let group = first; group < last; group++) {
      const record = index.groupRecord(group);
      const end = link + index.groupSize(group);
      const recordFlags = index.flagsOf(record);
      const isCheckIn = (recordFlags & flags.checkIn) !== 0;
      const isCluster = (recordFlags & (flags.cluster | flags.private)) === flags.cluster;
      const counts = (isCheckIn || isCluster) && (effective === undefined || effective[record] === 1);
      for (let at = counts ? link : end; at < end; at++) {
        const slot = slots[links[at] ?? 0] ?? NONE;
        if (isCheckIn) this.mark(slot, at === link ? status.parent | status.followed : status.parent);
        else this.cluster(slot);
      }
      link = end;
    }
    return link;
  }

  /** @returns 1 for each record that says something new about a visible artifact */
  private *addRecords(pack: number, index: PackIndex, slots: Uint32Array): Cooperative<Uint8Array> {
    const effective = new Uint8Array(index.records);
    this.table.reserve(this.table.names.size, index.records);
    let offset = 0;
    for (let from = 0; from < index.records; from += STEPS) {
      const to = Math.min(index.records, from + STEPS);
      // A loop without pauses inside is compiled once, and runs several times as fast.
      offset = this.addStretch(pack, index, slots, { from, to, offset }, effective);
      yield;
    }
    return effective;
  }

  /** @returns the offset behind the last record */
  private addStretch(
    pack: number,
    index: PackIndex,
    slots: Uint32Array,
    { from, to, offset: begin }: { readonly from: number; readonly to: number; readonly offset: number },
    effective: Uint8Array,
  ): number {
    // One object for all records: the table copies what is in it.
    const place = { flags: 0, depth: 0, size: 0, pack, offset: begin, length: 0, source: NONE };
    for (let record = from; record < to; record++) {
      const source = index.sourceOf(record);
      const slot = slots[record] ?? NONE;
      place.flags = index.flagsOf(record);
      place.depth = index.depthOf(record);
      place.size = index.sizeOf(record);
      place.length = index.lengthOf(record);
      place.source = source === NO_SOURCE ? NONE : (slots[source] ?? NONE);
      if ((place.flags & NO_ARTIFACT) !== 0) {
        const { offset, length, size, depth } = place;
        this.addOther(slot, place.source, place.flags, { pack, offset, length, size }, depth);
      } else if (this.isNews(slot, place.flags)) {
        this.hold(slot, place);
        effective[record] = isVisible(this.status[slot] ?? 0) ? 1 : 0;
      }
      place.offset += place.length;
    }
    return place.offset;
  }

  /** @param day of a delta that waits, where other records have their depth */
  private addOther(
    slot: number,
    source: number,
    recordFlags: number,
    place: ContentPlace,
    day: number,
  ): void {
    if ((recordFlags & flags.unversioned) !== 0) this.addContent(slot, place);
    else if ((recordFlags & flags.wrong) !== 0) this.waiting.remove(slot, source);
    else {
      const delta = { ...place, slot, source, day, isPrivate: (recordFlags & flags.private) !== 0 };
      if (stillWaits(this.status[slot] ?? 0, delta)) this.waiting.add(delta);
    }
  }

  /** Whether a record of an artifact is the first, or makes a private one public. */
  private isNews(slot: number, recordFlags: number): boolean {
    const bits = this.status[slot] ?? 0;
    if ((bits & status.held) === 0) return true;
    return (bits & status.private) !== 0 && (recordFlags & flags.private) === 0;
  }

  private hold(slot: number, place: Parameters<BagTable['setPlace']>[1]): void {
    const bits = this.status[slot] ?? 0;
    const wasHeld = (bits & status.held) !== 0;
    // Others may read where the private record is.
    if (wasHeld) this.own();
    this.table.setPlace(slot, place);
    const isPrivate = (place.flags & flags.private) !== 0;
    this.status[slot] = (bits & ~status.private) | status.held | (isPrivate ? status.private : 0);
    if ((bits & status.shunned) !== 0) return;
    if (!wasHeld && (bits & status.clustered) !== 0) this.missingMembers--;
    if (!wasHeld) this.table.append(slot);
    if (isPrivate) return;
    this.publicCount++;
    if ((bits & status.clustered) === 0) this.unclusteredCount++;
  }

  private cluster(slot: number): void {
    const bits = this.status[slot] ?? 0;
    if ((bits & status.clustered) !== 0) return;
    this.mark(slot, status.clustered);
    if ((bits & (status.held | status.shunned)) === 0) this.missingMembers++;
    else if (isPublic(bits)) this.unclusteredCount--;
  }

  private mark(slot: number, bits: number): void {
    if (slot >= this.status.length) this.makeRoom();
    this.status[slot] = (this.status[slot] ?? 0) | bits;
  }

  private addContent(slot: number, place: ContentPlace): void {
    const name = this.table.names.at(slot);
    if (this.contents.has(name)) return;
    this.ownContents ??= new Map(this.contents);
    this.contents = this.ownContents.set(name, place);
  }

  private addUnversioned(file: UnversionedFile): void {
    if (compareUnversioned(this.unversioned.get(file.name), file) > 2) return;
    this.ownUnversioned ??= new Map(this.unversioned);
    this.unversioned = this.ownUnversioned.set(file.name, file);
  }

  /** From here on the table is the draft's own. */
  private own(): void {
    if (this.owns) return;
    this.table.drafted = false;
    this.table = this.table.copy(this.table.names.size, this.table.count);
    this.owns = true;
  }

  private makeRoom(): void {
    const { size } = this.table.names;
    if (size <= this.status.length) return;
    const grown = new Uint8Array(size);
    grown.set(this.status);
    this.status = grown;
  }
}

/** Whether a delta would bring something: its artifact is not here, or is private and the delta is not. */
export function stillWaits(bits: number, { isPrivate }: Pick<WaitingDelta, 'isPrivate'>): boolean {
  return (bits & status.held) === 0 || ((bits & status.private) !== 0 && !isPrivate);
}

function nothing(hash: NameHash, shunned: readonly ArtifactName[]): BagState {
  return {
    table: new BagTable(hash),
    packs: [],
    shunned,
    slots: 0,
    count: 0,
    publicCount: 0,
    unclusteredCount: 0,
    missingMembers: 0,
    status: new Uint8Array(0),
    waiting: [],
    waitingDeltas: new WaitingDeltas([]),
    unversioned: new Map(),
    contents: new Map(),
  };
}

/** The slots that artifacts outside of some packs are deltas of. @param isInside tells by the number of a pack */
export function sourcesOutside(
  { table, slots, status: bits }: BagState,
  isInside: (pack: number) => boolean,
): ReadonlySet<number> {
  const sources = new Set<number>();
  for (let slot = 0; slot < slots; slot++) {
    if (((bits[slot] ?? 0) & status.held) === 0 || isInside(table.packOf(slot))) continue;
    const source = table.sourceOf(slot);
    if (source !== NONE) sources.add(source);
  }
  return sources;
}
