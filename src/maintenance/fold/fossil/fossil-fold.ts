/**
 * Folds one Fossil repository: packs that follow each other become one, and an ordinary publish replaces them. What means nothing any
 * more is left out: second records of an artifact, deltas that no longer wait, contents of unversioned files that were replaced, and
 * what is shunned. Artifacts that came whole become deltas of the version before them. A crash at any step leaves garbage, never damage.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import {
  deflatePayload,
  deflatePayloadInPieces,
  inflatePayload,
  isStoredPayload,
} from '../../../fossil/compression.ts';
import type { Clock } from '../../../lib/clock.ts';
import { Yielder } from '../../../lib/cooperative.ts';
import { type Bytes, FileBytes } from '../../../lib/file-bytes.ts';
import { GrowingWords } from '../../../lib/growing-words.ts';
import type { Random } from '../../../lib/random.ts';
import type { ObjectStore } from '../../../object-store/object-store.ts';
import type { ArtifactCache } from '../../../repository/cache/artifact-cache.ts';
import type { Bag } from '../../../repository/fossil/bag.ts';
import { isVisible, sourcesOutside, status } from '../../../repository/fossil/bag-state.ts';
import { NONE } from '../../../repository/fossil/bag-table.ts';
import type { ContentMaker } from '../../../repository/fossil/content-maker.ts';
import { placeOf } from '../../../repository/fossil/expand.ts';
import type { FossilPack } from '../../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../../repository/fossil/fossil-repository.ts';
import { type PackFile, PackFileWriter } from '../../../repository/fossil/pack-file.ts';
import { flags, NO_SOURCE, type PackIndex, type PackRecord } from '../../../repository/fossil/pack-index.ts';
import type { PackSession } from '../../../repository/fossil/pack-reader.ts';
import { dayOf, FOLD_DAYS_LATER, hasWaited, WAITS_DAYS } from '../../../repository/fossil/waiting-deltas.ts';
import { foldLeaseKey } from '../../../repository/keys.ts';
import { takeLease } from '../../../repository/records/lease.ts';
import type { RepositoryId } from '../../../repository/repository-id.ts';
import { FossilFoldChange } from './fossil-fold-change.ts';
import { type FossilFoldRun, fossilFoldPlan } from './fossil-fold-plan.ts';
import { VersionDeltas } from './version-deltas.ts';

/** Milliseconds for which a fold makes new deltas. What is left stays whole. */
const DELTAS_MS = { due: 10_000, full: 600_000 } as const;

export interface FossilFoldContext {
  readonly control: ObjectStore;
  /** Where the new pack is put for the next readers. */
  readonly cache: ArtifactCache;
  /** Folder for the pack while it is made. */
  readonly scratch: string;
  readonly clock: Clock;
  readonly random: Random;
  /** The name of this process in leases. */
  readonly holder: string;
  /** Called for harmless failures. */
  readonly onTrouble: (id: RepositoryId, error: unknown) => void;
}

/** `leased`: another server folds the repository. `superseded`: something else came first, and the result is dropped. */
export type FossilFoldOutcome =
  | { readonly outcome: 'nothing to do' | 'leased' | 'superseded' }
  | { readonly outcome: 'folded'; readonly packs: number; readonly records: number };

/**
 * Folds a repository.
 * @param mode `due`: if it is worth it. `full`: all packs become one
 * @throws CairnError `corrupt`, `unavailable`, `busy`; the signal's reason
 */
export async function foldFossil(
  context: FossilFoldContext,
  repository: FossilRepository,
  mode: 'due' | 'full',
  signal?: AbortSignal,
): Promise<FossilFoldOutcome> {
  const published = await repository.resolve();
  const run = published === undefined ? undefined : fossilFoldPlan(published.manifest.packs, mode);
  if (published === undefined || run === undefined) return { outcome: 'nothing to do' };
  const { id } = repository;
  const lease = await takeLease(context, {
    key: foldLeaseKey(id),
    holder: context.holder,
    onTrouble: (error) => context.onTrouble(id, error),
  });
  if (lease === undefined) return { outcome: 'leased' };
  const stop = AbortSignal.any([lease.lost, ...(signal === undefined ? [] : [signal])]);
  const path = join(context.scratch, `fold-${context.random.hex(8)}.bag`);
  try {
    const bag = await repository.bagOf(published);
    return await foldRun(context, repository, bag, { ...run, mode }, path, stop);
  } finally {
    await rm(path, { force: true });
    await lease.release();
  }
}

async function foldRun(
  context: FossilFoldContext,
  repository: FossilRepository,
  bag: Bag,
  run: FossilFoldRun & { readonly mode: keyof typeof DELTAS_MS },
  path: string,
  signal: AbortSignal,
): Promise<FossilFoldOutcome> {
  const { id, publisher } = repository;
  const since = repository.mark();
  const replaced = bag.state.packs.slice(run.from, run.to);
  const copy = new FoldCopy(bag, run, path, signal);
  const { clock } = context;
  const until = clock.monotonic() + DELTAS_MS[run.mode];
  const file = await copy.make({ clock, until, readsAll: run.mode === 'full' });
  if (replaced.length === 1 && file?.digest === replaced[0]?.pack.digest) return { outcome: 'nothing to do' };
  const made = file === undefined ? undefined : await storeFile(repository, file, bag, signal);
  if (made !== undefined && file !== undefined) {
    // A full cache must not make the fold fail.
    await context.cache
      .adopt('bag', made.pack, file.path)
      .catch((error: unknown) => context.onTrouble(id, error));
  }
  signal.throwIfAborted();
  const { incarnation } = bag.state;
  const { dropped, droppedContents } = copy;
  const fold = { incarnation, replaced, made, dropped, droppedContents };
  const { result } = await publisher.join(new FossilFoldChange(repository, fold, since));
  if (result === 'superseded') return { outcome: 'superseded' };
  return { outcome: 'folded', packs: replaced.length, records: made?.records ?? 0 };
}

async function storeFile(
  { id, artifacts }: FossilRepository,
  file: PackFile,
  bag: Bag,
  signal: AbortSignal,
): Promise<FossilPack> {
  const body = { path: file.path, offset: 0, length: file.size };
  const { generation } = bag.state;
  const pack = await artifacts.put(id, 'bag', file.digest, body, { generation, signal });
  return { kind: 'fold', records: file.records, pack, index: file.index };
}

/** How new deltas are made. */
interface DeltasMaking {
  readonly clock: Clock;
  /** Monotonic milliseconds. */
  readonly until: number;
  /** Whether the check-ins of earlier folds are read again. */
  readonly readsAll: boolean;
}

/** A payload of a large push is compressed here, where it is stored in its lasting form. */
function compressed(payload: Bytes): Bytes {
  // Of large contents, none is stored as it is.
  if (payload instanceof FileBytes || !isStoredPayload(payload)) return payload;
  const smaller = deflatePayload(inflatePayload(payload, payload.length));
  return smaller.length < payload.length ? smaller : payload;
}

function isArtifact(bits: number): boolean {
  return (bits & (flags.unversioned | flags.waiting | flags.wrong)) === 0;
}

/** Copies what is left of some packs into one file, in the order of the packs. */
class FoldCopy {
  /** Shunned artifacts that are in no pack any more. */
  readonly dropped = new Set<ArtifactName>();
  /** Contents of unversioned files that are in no pack any more. */
  readonly droppedContents = new Set<ArtifactName>();
  private readonly bag: Bag;
  private readonly run: FossilFoldRun;
  private readonly path: string;
  private readonly signal: AbortSignal;
  private readonly yielder = new Yielder();
  /** The days on which deltas came that still wait, by where they are. */
  private readonly waiting: ReadonlyMap<string, number>;
  /** Contents that unversioned files have now. */
  private readonly usedContents: ReadonlySet<ArtifactName>;
  /** Names of unversioned files whose version is in the new pack. */
  private readonly written = new Set<string>();
  /** The slot of each record that is written as a delta, otherwise none. */
  private readonly slots = new GrowingWords(0);

  constructor(bag: Bag, run: FossilFoldRun, path: string, signal: AbortSignal) {
    const { waiting, unversioned } = bag.view;
    const today = dayOf(bag.context.clock);
    // Of those that came from before days were kept, the day of the first fold counts.
    this.waiting = new Map(
      waiting
        .filter((delta) => !hasWaited(delta, WAITS_DAYS + FOLD_DAYS_LATER, today))
        .map(({ pack, offset, day }) => [`${pack} ${offset}`, day === 0 ? today : day]),
    );
    const hashes = [...unversioned.values()].flatMap(({ hash }) => (hash === undefined ? [] : [hash]));
    this.usedContents = new Set(hashes);
    this.bag = bag;
    this.run = run;
    this.path = path;
    this.signal = signal;
  }

  /** @returns undefined if nothing is left */
  async make(making: DeltasMaking): Promise<PackFile | undefined> {
    const writer = await PackFileWriter.open(this.path, this.bag.context.hash);
    try {
      await using session = this.bag.session();
      await using maker = this.bag.maker();
      let isEmpty = true;
      const outside = sourcesOutside(this.bag.view, (pack) => this.isInRun(pack));
      const deltas = await this.versionDeltas(session, maker, making);
      for (let pack = this.run.from; pack < this.run.to; pack++) {
        if (await this.copyPack(writer, session, pack, { outside, deltas, maker })) isEmpty = false;
      }
      // A source may have become a delta after what is made of it was written.
      for (const [record, slot] of this.slots.values().entries()) {
        if ((record & 0xfff) === 0) await this.yielder.next();
        if (slot !== NONE) writer.setDepth(record, deltas.chainOf(slot));
      }
      const file = await writer.finish();
      return isEmpty ? undefined : file;
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  private async versionDeltas(
    session: PackSession,
    maker: ContentMaker,
    { clock, until, readsAll }: DeltasMaking,
  ): Promise<VersionDeltas> {
    const { bag, signal } = this;
    const deltas = new VersionDeltas({
      ...{ bag, session, maker, clock, until, signal },
      isCopied: (pack) => this.isInRun(pack),
      isRead: (pack) => this.isInRun(pack) && (readsAll || bag.view.packs[pack]?.kind !== 'fold'),
    });
    await deltas.find();
    return deltas;
  }

  private isInRun(pack: number): boolean {
    return pack >= this.run.from && pack < this.run.to;
  }

  /** @returns whether anything was copied */
  private async copyPack(
    writer: PackFileWriter,
    session: PackSession,
    pack: number,
    {
      outside,
      deltas,
      maker,
    }: {
      readonly outside: ReadonlySet<number>;
      readonly deltas: VersionDeltas;
      readonly maker: ContentMaker;
    },
  ): Promise<boolean> {
    const { bag } = this;
    const { view, context, id } = bag;
    const entry = view.packs[pack];
    if (entry === undefined) return false;
    const index = await context.reader.index(id, entry);
    const names = index.namesOf();
    const links = new Map(index.groups());
    let copied = false;
    let offset = 0;
    for (let number = 0; number < index.records; number++) {
      this.signal.throwIfAborted();
      await this.yielder.next();
      const length = index.lengthOf(number);
      const place = { pack, offset, length };
      offset += length;
      const name = names(number);
      const kept = this.kept(name, place, index, number, names, outside);
      if (kept === undefined) continue;
      const linked = links.get(number);
      const record = linked === undefined ? kept : { ...kept, links: [...linked].map((link) => names(link)) };
      const isWhole = index.sourceOf(number) !== NO_SOURCE && kept.source === undefined;
      copied = true;
      const made = isWhole || !isArtifact(kept.flags) ? undefined : await deltas.of(bag.slotOf(name));
      if (made !== undefined) {
        const { payload, source } = made;
        await this.add(writer, { ...record, source }, payload);
        continue;
      }
      if (!isWhole) {
        await this.add(writer, record, compressed(await session.bytes(place)));
        continue;
      }
      const content = await bag.expand(session, bag.slotOf(name), maker);
      if (content instanceof FileBytes) await this.addContent(writer, record, content);
      else await this.add(writer, record, deflatePayload(content));
    }
    for (const { name } of index.unversioned) {
      const version = view.unversioned.get(name);
      if (version === undefined || this.written.has(name)) continue;
      this.written.add(name);
      writer.addUnversioned(version);
      copied = true;
    }
    return copied;
  }

  private async add(writer: PackFileWriter, record: PackRecord, payload: Bytes): Promise<void> {
    this.slots.push(
      isArtifact(record.flags) && record.source !== undefined ? this.bag.slotOf(record.name) : NONE,
    );
    await writer.add(record, payload);
  }

  /** Adds a record that is no delta, and too large for memory. */
  private async addContent(writer: PackFileWriter, record: PackRecord, content: FileBytes): Promise<void> {
    this.slots.push(NONE);
    await writer.addInPieces(record, (sink) => deflatePayloadInPieces(content, sink));
  }

  /** The record as it is copied; undefined if it means nothing any more. */
  private kept(
    name: ArtifactName,
    place: { readonly pack: number; readonly offset: number },
    index: PackIndex,
    number: number,
    names: (number: number) => ArtifactName,
    outside: ReadonlySet<number>,
  ): PackRecord | undefined {
    const { bag } = this;
    const { view } = bag;
    const bits = index.flagsOf(number);
    const source = index.sourceOf(number);
    const record: PackRecord = {
      name,
      flags: bits,
      depth: index.depthOf(number),
      size: index.sizeOf(number),
      ...(source === NO_SOURCE ? {} : { source: names(source) }),
    };
    const isAt = (found: { readonly pack: number; readonly offset: number } | undefined) =>
      found?.pack === place.pack && found.offset === place.offset;
    if ((bits & flags.unversioned) !== 0) {
      // Another pack has it, too, and that one counts.
      if (!isAt(view.contents.get(name))) return undefined;
      if (this.usedContents.has(name)) return record;
      this.droppedContents.add(name);
      return undefined;
    }
    // It may be about a delta in a pack before the run.
    if ((bits & flags.wrong) !== 0) return this.run.from > 0 ? record : undefined;
    if ((bits & flags.waiting) !== 0) {
      const day = this.waiting.get(`${place.pack} ${place.offset}`);
      return day === undefined ? undefined : { ...record, depth: day };
    }
    const slot = bag.slotOf(name);
    if ((bag.bitsOf(slot) & status.held) === 0 || !isAt(placeOf(view, slot))) return undefined;
    if (!isVisible(bag.bitsOf(slot)) && !outside.has(slot)) {
      this.dropped.add(name);
      return undefined;
    }
    return this.withoutDropped(record, slot);
  }

  /** A record whose source is shunned is copied whole. */
  private withoutDropped(record: PackRecord, slot: number): PackRecord {
    const { table } = this.bag.view;
    const source = table.sourceOf(slot);
    if (source === NONE || isVisible(this.bag.bitsOf(source))) return record;
    const { source: _source, ...rest } = record;
    return { ...rest, depth: 0 };
  }
}
