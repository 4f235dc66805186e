import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { deflatePayload } from '../../fossil/compression.ts';
import type { UnversionedFile } from '../../fossil/unversioned.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Digest } from '../../lib/digest.ts';
import { publicError } from '../../lib/errors.ts';
import { type Bytes, inMemory } from '../../lib/file-bytes.ts';
import type { ScratchFiles } from '../../lib/scratch-files.ts';
import { formatRepositoryId, type RepositoryId } from '../repository-id.ts';
import { type BagState, bitsOf, isPublic, isVisible, status } from './bag-state.ts';
import { NONE } from './bag-table.ts';
import type { ContentCache } from './content-cache.ts';
import { ContentMaker, LARGE_CONTENT } from './content-maker.ts';
import { expand, placeOf, verifiedContent } from './expand.ts';
import type { FossilState, PublishedFossilState } from './fossil-manifest.ts';
import type { NameHash } from './name-table.ts';
import { flags } from './pack-index.ts';
import type { PackReader, PackSession } from './pack-reader.ts';
import type { SharedFileCards } from './shared-file-cards.ts';
import type { WaitingDeltas } from './waiting-deltas.ts';

/** A visible artifact of a bag. */
export interface BagEntry {
  readonly name: ArtifactName;
  /** The source of its delta; readers of the artifact may also see the source. */
  readonly source?: ArtifactName;
  /** Bytes of the content. */
  readonly size: number;
  /** Bytes of the payload as it is stored. */
  readonly storedSize: number;
  readonly isPrivate: boolean;
  readonly isCluster: boolean;
  readonly isCheckIn: boolean;
  /** Its position. */
  readonly ordinal: number;
}

/** An artifact and its payload: the size of what follows in four bytes, then zlib. */
export interface StoredArtifact {
  readonly entry: BagEntry;
  readonly payload: Uint8Array;
}

/** Artifacts that follow each other. */
export interface StoredRun {
  readonly artifacts: readonly StoredArtifact[];
  /** The position to go on from; the bag's `count` when there is nothing more. */
  readonly next: number;
}

/** The published state that a bag is of. */
export type BagSource = Pick<PublishedFossilState, 'digest' | 'manifest'>;

/** What all bags of a process share. */
export interface BagContext {
  readonly reader: PackReader;
  readonly hash: NameHash;
  /** Absent: each content is expanded when it is asked for. */
  readonly contents: ContentCache | undefined;
  readonly cards: SharedFileCards;
  readonly clock: Pick<Clock, 'now'>;
  /** For contents and packs that are too large for memory. */
  readonly scratch: ScratchFiles;
}

/** Bytes between two payloads that are read along, rather than asked for in two reads. */
const GAP = 16 * 1024;

/** Bytes of one read. */
const WINDOW = 1 << 20;

/**
 * What one published state of a Fossil repository holds. It shows artifacts that were verified against their names, without
 * shunned ones; private ones are among them and say so.
 */
export class Bag {
  readonly id: RepositoryId;
  /** Of the manifest. */
  readonly digest: Digest;
  readonly state: FossilState;
  /** For this folder alone. */
  readonly view: BagState;
  readonly context: BagContext;

  constructor(id: RepositoryId, published: BagSource, view: BagState, context: BagContext) {
    this.id = id;
    this.digest = published.digest;
    this.state = published.manifest;
    this.view = view;
    this.context = context;
  }

  /** Names the repository in caches and messages. */
  get repository(): string {
    return formatRepositoryId(this.id);
  }

  /** How many artifacts there are. Positions from 0 to below it are the same in every bag of this digest. */
  get count(): number {
    return this.view.count;
  }

  /** How many artifacts everybody sees. */
  get publicCount(): number {
    return this.view.publicCount;
  }

  /** How many artifacts {@link unclustered} gives. */
  get unclusteredCount(): number {
    return this.view.unclusteredCount;
  }

  /** How many deltas wait for their sources. */
  get waitingCount(): number {
    return this.view.waiting.length;
  }

  /** @throws RangeError if there is no such position */
  at(ordinal: number): BagEntry {
    if (!(ordinal >= 0 && ordinal < this.view.count)) throw new RangeError(`no artifact at ${ordinal}`);
    return this.entry(this.view.table.slotAt(ordinal));
  }

  find(name: ArtifactName): BagEntry | undefined {
    const slot = this.slotOf(name);
    return isVisible(this.bitsOf(slot)) ? this.entry(slot, name) : undefined;
  }

  isShunned(name: ArtifactName): boolean {
    if (this.view.shunned.length === 0) return false;
    return (this.bitsOf(this.slotOf(name)) & status.shunned) !== 0;
  }

  /** Whether a delta of this artifact is here, whose source is not. */
  isWaiting(name: ArtifactName): boolean {
    return this.view.waiting.length > 0 && this.isWaitingSlot(this.slotOf(name));
  }

  /**
   * Artifacts that should be here: sources of waiting deltas, then members of clusters. None that is shunned, or waits itself.
   * @param limit how many at most
   */
  wanted(limit: number): ArtifactName[] {
    const { table, waiting, slots, missingMembers } = this.view;
    const found = new Set<number>();
    const isWanted = (slot: number) => {
      const bits = this.bitsOf(slot);
      return (bits & (status.held | status.shunned)) === 0 && !this.isWaitingSlot(slot);
    };
    for (const { source } of waiting) {
      if (found.size >= limit) break;
      if (!found.has(source) && isWanted(source)) found.add(source);
    }
    let left = missingMembers;
    for (let slot = 0; slot < slots && left > 0 && found.size < limit; slot++) {
      const bits = this.bitsOf(slot);
      if ((bits & (status.clustered | status.held | status.shunned)) !== status.clustered) continue;
      left--;
      if (isWanted(slot)) found.add(slot);
    }
    return [...found].map((slot) => table.names.at(slot));
  }

  /** Artifacts that everybody sees and no cluster names. */
  *unclustered(): Generator<BagEntry> {
    let left = this.view.unclusteredCount;
    for (const slot of this.slots()) {
      if (left === 0) return;
      const bits = this.bitsOf(slot);
      if (!isPublic(bits) || (bits & status.clustered) !== 0) continue;
      left--;
      yield this.entry(slot);
    }
  }

  /** Clusters that everybody sees. */
  *clusters(): Generator<BagEntry> {
    for (const slot of this.slots()) {
      if ((this.view.table.flagsOf(slot) & flags.cluster) === 0) continue;
      if (isPublic(this.bitsOf(slot))) yield this.entry(slot);
    }
  }

  /** Check-ins that are no parent of others but of those that begin a branch: all others are found from these. */
  *heads(): Generator<BagEntry> {
    for (const slot of this.slots()) {
      if (this.isCheckInWithout(slot, status.parent)) yield this.entry(slot);
    }
  }

  /** Whether an artifact is a check-in on which none follows in the same branch. It may have been merged into another one. */
  isLeaf(name: ArtifactName): boolean {
    const slot = this.slotOf(name);
    return isVisible(this.bitsOf(slot)) && this.isCheckInWithout(slot, status.followed);
  }

  /**
   * The payload of an artifact.
   * @throws CairnError `corrupt` naming what is damaged; `unavailable`
   */
  async stored(entry: BagEntry): Promise<Uint8Array> {
    await using session = this.session();
    return await this.payload(session, this.view.table.slotAt(entry.ordinal));
  }

  /**
   * The payloads from a position on, read in long stretches.
   * @param from at most `count`
   * @param maxBytes of payloads; at least one is given, unless none is left or the next one is large: see {@link largeAt}
   * @param options `privateArtifacts`: private ones are given, too, if true
   */
  async storedRun(
    from: number,
    maxBytes: number,
    options: { readonly privateArtifacts?: boolean } = {},
  ): Promise<StoredRun> {
    await using session = this.session();
    const { table, count } = this.view;
    const artifacts: StoredArtifact[] = [];
    let position = from;
    let left = maxBytes;
    let window: { readonly pack: number; readonly offset: number; readonly bytes: Buffer } | undefined;
    for (; position < count; position++) {
      const slot = table.slotAt(position);
      if (options.privateArtifacts !== true && !isPublic(this.bitsOf(slot))) continue;
      const length = table.lengthOf(slot);
      if (this.isLarge(slot) || (artifacts.length > 0 && length > left)) break;
      let payload: Uint8Array;
      if (this.isSentWhole(slot)) payload = await this.payload(session, slot);
      else {
        const { pack, offset } = placeOf(this.view, slot);
        if (
          window?.pack !== pack ||
          offset < window.offset ||
          offset + length > window.offset + window.bytes.length
        ) {
          const stretch = this.stretch(position, Math.max(left, length));
          window = { pack, offset, bytes: await session.read({ pack, offset, length: stretch }) };
        }
        payload = window.bytes.subarray(offset - window.offset, offset - window.offset + length);
      }
      artifacts.push({ entry: this.entry(slot), payload });
      left -= payload.length;
    }
    return { artifacts, next: position };
  }

  /**
   * The content of an artifact, expanded and verified.
   * @throws CairnError `not-found` if it is not visible here; `corrupt` naming what is damaged; `unavailable`
   */
  async content(name: ArtifactName): Promise<Uint8Array> {
    const slot = this.slotOf(name);
    if (!isVisible(this.bitsOf(slot))) throw publicError('not-found', `there is no artifact ${name}`);
    await using session = this.session();
    await using maker = this.maker();
    return await inMemory(await this.expand(session, slot, maker));
  }

  /** The unversioned files by name, deleted ones included. */
  async unversioned(): Promise<ReadonlyMap<string, UnversionedFile>> {
    return this.view.unversioned;
  }

  /**
   * The content of an unversioned file.
   * @param hash its name
   * @throws CairnError `not-found` if no version of any file had it; `corrupt`; `unavailable`
   */
  async unversionedContent(hash: ArtifactName): Promise<Uint8Array> {
    const place = this.view.contents.get(hash);
    if (place === undefined) throw publicError('not-found', `there is no unversioned content ${hash}`);
    await using session = this.session();
    await using maker = this.maker();
    return await inMemory(await verifiedContent(maker, hash, await session.bytes(place), place.size));
  }

  /** Opens packs for several reads. For this folder alone. */
  session(): PackSession {
    return this.context.reader.session(this.id, this.view.packs);
  }

  /** Makes large contents, and closes them at the end. */
  maker(): ContentMaker {
    return new ContentMaker(this.context.scratch);
  }

  /** The content of what is held at a slot, shunned or not. A large one lasts as long as its maker keeps it. For this folder alone. */
  expand(session: PackSession, slot: number, maker: ContentMaker): Promise<Bytes> {
    const { contents } = this.context;
    return expand({ state: this.view, session, repository: this.repository, contents, maker }, slot);
  }

  /** The deltas that wait for their sources. For this folder alone. */
  get waiting(): WaitingDeltas {
    return this.view.waitingDeltas;
  }

  /** For this folder alone. */
  slotOf(name: ArtifactName): number {
    const slot = this.view.table.names.find(name);
    return slot === -1 || slot >= this.view.slots ? NONE : slot;
  }

  /** What the state says of a slot. For this folder alone. */
  bitsOf(slot: number): number {
    return bitsOf(this.view, slot);
  }

  private isWaitingSlot(slot: number): boolean {
    return this.view.waiting.length > 0 && this.waiting.making(slot).length > 0;
  }

  private *slots(): Generator<number> {
    const { table, count } = this.view;
    for (let position = 0; position < count; position++) yield table.slotAt(position);
  }

  private isCheckInWithout(slot: number, bit: number): boolean {
    const isCheckIn = (this.view.table.flagsOf(slot) & flags.checkIn) !== 0;
    return isCheckIn && (this.bitsOf(slot) & bit) === 0;
  }

  private entry(slot: number, name = this.view.table.names.at(slot)): BagEntry {
    const { table } = this.view;
    const bits = table.flagsOf(slot);
    const source = table.sourceOf(slot);
    const entry = {
      name,
      size: table.sizeOf(slot),
      storedSize: table.lengthOf(slot),
      isPrivate: (this.bitsOf(slot) & status.private) !== 0,
      isCluster: (bits & flags.cluster) !== 0,
      isCheckIn: (bits & flags.checkIn) !== 0,
      ordinal: table.positionOf(slot),
    };
    return source === NONE || this.isSentWhole(slot) ? entry : { ...entry, source: table.names.at(source) };
  }

  /**
   * The artifact at a position, if it may be shown and is too large for memory.
   * @param withPrivate whether private ones may be shown
   */
  largeAt(position: number, withPrivate: boolean): BagEntry | undefined {
    if (position >= this.view.count) return undefined;
    const slot = this.view.table.slotAt(position);
    return (withPrivate || isPublic(this.bitsOf(slot))) && this.isLarge(slot) ? this.entry(slot) : undefined;
  }

  private isLarge(slot: number): boolean {
    const { table } = this.view;
    if (table.lengthOf(slot) > LARGE_CONTENT) return true;
    return table.sizeOf(slot) > LARGE_CONTENT && this.isSentWhole(slot);
  }

  /**
   * Whether it is stored as a delta of what not everybody who sees it may see: its source was shunned, or is private. For this folder
   * alone.
   */
  isSentWhole(slot: number): boolean {
    const source = this.view.table.sourceOf(slot);
    if (source === NONE) return false;
    const bits = this.bitsOf(source);
    return !((this.bitsOf(slot) & status.private) !== 0 ? isVisible(bits) : isPublic(bits));
  }

  private async payload(session: PackSession, slot: number): Promise<Uint8Array> {
    if (this.isSentWhole(slot)) {
      await using maker = this.maker();
      return deflatePayload(await inMemory(await this.expand(session, slot, maker)));
    }
    return session.read(placeOf(this.view, slot));
  }

  /** How many bytes to read from a position on: what follows in the same pack, up to a window or `most`. */
  private stretch(position: number, most: number): number {
    const { table, count } = this.view;
    const first = table.slotAt(position);
    const pack = table.packOf(first);
    const begin = table.offsetOf(first);
    let end = begin + table.lengthOf(first);
    for (let next = position + 1; next < count; next++) {
      const slot = table.slotAt(next);
      const offset = table.offsetOf(slot);
      if (table.packOf(slot) !== pack || offset < end || offset - end > GAP) break;
      const nextEnd = offset + table.lengthOf(slot);
      if (nextEnd - begin > Math.min(WINDOW, most)) break;
      end = nextEnd;
    }
    return end - begin;
  }
}
