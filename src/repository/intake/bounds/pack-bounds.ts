/**
 * What a pack may hold, beyond what git itself checks: nothing that git could not walk, pack and send again. It is looked at
 * as soon as git has taken the pack in, before anything walks down from an object in it, and whether refs reach it or not.
 */
import { eachSubtree, eachTag, PACKED_TAG, PACKED_TREE } from '../../../git/index.ts';
import type { QuarantinePaths } from '../../../git-process/commands.ts';
import type { Git } from '../../../git-process/git.ts';
import { type ReadAllOptions, readAllObjects } from '../../../git-process/read-all-objects.ts';
import { ObjectReader } from '../../../git-process/read-objects.ts';
import { cooperate } from '../../../lib/cooperative.ts';
import { CairnError } from '../../../lib/errors.ts';
import type { SortedIds } from '../../../lib/sorted-ids.ts';
import { EarlyEntries } from '../entries/early-entries.ts';
import { type PackEntries, type ScannedPack, scanPack } from '../entries/pack-entries.ts';
import { readPackedObjects } from '../entries/packed-objects.ts';
import { indexIn, newestOf, placesOf } from '../entries/places.ts';
import { HeightBounds, MANY_OBJECTS } from '../heights/height-bounds.ts';
import type { HeightMemory } from '../heights/height-memory.ts';
import { checkHeights, type HeightQuestion } from '../heights/link-heights.ts';
import { EarlyCommits } from '../plain/early-commits.ts';
import { type OddObjects, PlainObjects } from '../plain/odd-objects.ts';
import { checkCommits } from './commit-sizes.ts';
import { MOST_LINKING_BYTES, type ObjectLimit, tooHeavy } from './object-limit.ts';
import type { Foresight } from './pack-forecast.ts';
import type { WatchLimit } from './pack-watch.ts';

const MIB = 2 ** 20;

/** Folders within each other. git dies of some 60,000, newer git refuses more than 2,048, on Windows more than 512. */
export const MOST_FOLDERS = 256;
/** Tags of tags of tags. git follows them one by one, again for each ref. */
export const MOST_TAGS = 64;

/** An object of the pack links to one that is here, and that lacks something itself. */
export class MissingObject extends CairnError {
  constructor(oid: string) {
    super('invalid', `it builds on ${oid}, which is missing`);
  }
}

/**
 * Milliseconds for git to unpack what has come: at the least, and more for each MiB. A few bytes can say "the same 16 MiB again" many
 * thousand times. Honest packs take some 30 ms for each MiB, and a second at the most.
 */
export interface UnpackPatience {
  readonly least: number;
  readonly perMiB: number;
  /** For each object; 0 when absent. */
  readonly perObject?: number;
}

/** Bytes that all objects of a pack may have together: at the least, and more for each byte sent. */
export interface Expansion {
  readonly least: number;
  readonly perByte: number;
}

/**
 * Many objects, each just within its bound, still make much of little. Who may write is bounded by time alone: histories of large
 * files and folders unpack to a thousand times their size. What strangers send is part of one.
 */
const EXPANSION: Expansion = { least: Number.POSITIVE_INFINITY, perByte: 0 };
const EXPANSION_WITH_STRANGERS: Expansion = { least: 256 * 1024 * 1024, perByte: 64 };

/** How much of a pack that has come whole is looked at before git starts. It takes some 30 µs for each entry. */
const FORESIGHT: Foresight = { entries: 64, bytes: 256 * 1024 };
const FORESIGHT_WITH_STRANGERS: Foresight = { entries: 2_000, bytes: 4 * 1024 * 1024 };

/**
 * What all objects of a pack by somebody who may write may have together where that is more than the setting says: what deflating alone
 * can save, so that only deltas can make more.
 */
const EXPANSION_WATCHED = 1_032;

/**
 * Milliseconds of work after which a pack is looked into. Packs of many small objects take longer for each MiB than others: one of
 * 103,506 objects takes 80 ms, which is 10 µs for each object.
 */
const LOOK_AFTER: UnpackPatience = { least: 1_000, perMiB: 50, perObject: 0.005 };
/** Bytes that an object takes at the least, for all that a header may say. */
const LEAST_OF_OBJECT = 16;

const PATIENCE: UnpackPatience = { least: 120_000, perMiB: 2_000 };
const PATIENCE_WITH_STRANGERS: UnpackPatience = { least: 20_000, perMiB: 1_000 };

/**
 * From so many objects on, a pack for an empty repository is taken in without git's checks, and git looks at those objects that are not plain.
 * With few, the server's own look takes as long as git's (decisions 88 and 89).
 */
const PLAIN_FROM = 100_000;

/** Packs of strangers are unpacked with the lowest priority. */
const NICENESS_OF_STRANGERS = 10;

/** The limits of this server for every sender. */
export interface PackLimits {
  /** Bytes that a pack may have as it is sent; 0 for any number. */
  readonly packBytes: number;
  /** Bytes that one object may have. */
  readonly objectBytes: number;
  /** Bytes of an object that git may hold in memory, to refuse larger ones before it unpacks them. */
  readonly heldBytes: number;
  /** Bytes of objects other than files that git may hold in memory, one or several at once. */
  readonly linkingBytes: number;
  /** Niceness (nice(2)) of git, if no request waits for it; 0 if absent. */
  readonly niceness?: number;
  /** Bytes that all objects of a pack may have together, or {@link EXPANSION_WATCHED} times the pack where that is more; absent for any number. */
  readonly unpackedBytes?: number;
}

export interface PackBounds {
  /** Bytes that a pack may have as it is sent; 0 for any number. */
  readonly packBytes: number;
  /** Objects that the pack's header may name, counted before any of them is looked at; absent for any number. */
  readonly objects?: number;
  /** See {@link AllowedPack}. */
  readonly beyond?: AllowedPack['beyond'];
  /** Bytes that one object may have. */
  readonly objectBytes: number;
  /** The setting that says so. */
  readonly setting: '--max-object-size' | '--anonymous-pushes' | '--git-memory';
  /** Bytes of an object that git may hold in memory. */
  readonly heldBytes: number;
  readonly expansion: Expansion;
  /** As `expansion`, for what is looked into while git works on it; absent where that is bounded in any case. */
  readonly watched?: Expansion;
  /** When it is looked into. */
  readonly lookAfter: UnpackPatience;
  readonly foresight: Foresight;
  /** Bytes of a commit, of a tag, and of all trees on a way down, from each to one in it: git holds these at once. */
  readonly linkingBytes: number;
  readonly patience: UnpackPatience;
  /** Niceness (nice(2)) of git while it unpacks. */
  readonly niceness: number;
  /** From so many objects on, git does not look at each object of a pack for an empty repository (see `odd-objects.ts`). */
  readonly plainFrom: number;
  readonly heights: HeightMemory;
}

/**
 * @param allowed what somebody without a right of their own may send; absent for all others
 * @returns the bounds of a pack that comes in
 */
export function packBounds(
  { limits, heights }: { readonly limits: PackLimits; readonly heights: HeightMemory },
  allowed: AllowedPack | undefined,
): PackBounds {
  const { packBytes, objectBytes, heldBytes, linkingBytes, unpackedBytes: least } = limits;
  const setting = '--max-object-size';
  const own: PackBounds = {
    packBytes,
    objectBytes,
    heldBytes,
    linkingBytes,
    setting,
    expansion: EXPANSION,
    lookAfter: LOOK_AFTER,
    foresight: FORESIGHT,
    patience: PATIENCE,
    niceness: limits.niceness ?? 0,
    plainFrom: PLAIN_FROM,
    heights,
  };
  if (allowed === undefined)
    return least === undefined ? own : { ...own, watched: { least, perByte: EXPANSION_WATCHED } };
  const { bytes, objects, object, beyond } = allowed;
  const bounds = {
    ...own,
    packBytes: Math.min(bytes, packBytes),
    objects,
    // Where every push is bounded more narrowly, git says so.
    ...(beyond !== undefined && bytes <= packBytes && { beyond }),
    expansion: EXPANSION_WITH_STRANGERS,
    foresight: FORESIGHT_WITH_STRANGERS,
    patience: PATIENCE_WITH_STRANGERS,
    niceness: NICENESS_OF_STRANGERS,
    plainFrom: Number.POSITIVE_INFINITY,
  };
  // git must inflate objects above `heldBytes` to learn their size. Strangers may not push such objects.
  if (heldBytes < Math.min(object, objectBytes))
    return { ...bounds, objectBytes: heldBytes, setting: '--git-memory' };
  return object < objectBytes ? { ...bounds, objectBytes: object, setting: '--anonymous-pushes' } : bounds;
}

/** What somebody may send without a right of their own: bytes and objects of a pack, and bytes of one object. */
export interface AllowedPack {
  readonly bytes: number;
  readonly objects: number;
  readonly object: number;
  /**
   * Says what to tell of a pack that has more bytes or objects.
   * @param count of the pack; undefined where it is not known, because the rest was not counted
   */
  beyond?(kind: 'bytes' | 'objects', count: number | undefined): string;
}

/** The bounds of what a pack of so many bytes is unpacked to. */
export function unpackLimit(bounds: PackBounds, packBytes: number): ObjectLimit {
  const { objectBytes, linkingBytes, setting, expansion } = bounds;
  const { least, perByte } = expansion;
  const unpackedBytes = wholeMebibytes(least + perByte * packBytes);
  return { objectBytes, linkingBytes, setting, unpackedBytes };
}

/** The same for a pack that git works on for long, of which so many bytes have come. */
export function watchLimit(bounds: PackBounds, packBytes: number): WatchLimit {
  const limit = unpackLimit(bounds, packBytes);
  const { watched } = bounds;
  if (watched === undefined) return limit;
  const unpackedBytes = wholeMebibytes(Math.max(watched.least, watched.perByte * packBytes));
  return { ...limit, unpackedBytes, unpackedSetting: '--max-unpacked-size' };
}

/** Since people read it. */
function wholeMebibytes(bytes: number): number {
  return Math.ceil(bytes / MIB) * MIB;
}

/**
 * Milliseconds of work on so many bytes, once they have all come.
 * @param objects that the header of the pack names, where they count
 */
export function timeFor(
  { least, perMiB, perObject = 0 }: UnpackPatience,
  bytes: number,
  objects = 0,
): number {
  const counted = Math.min(objects, bytes / LEAST_OF_OBJECT);
  return Math.ceil(least + (perMiB * bytes) / 2 ** 20 + perObject * counted);
}

export interface CheckedOver {
  readonly git: Git;
  readonly paths: QuarantinePaths;
  readonly bounds: PackBounds;
  readonly signal: AbortSignal;
  /** True if git has not checked the objects of the pack, and it needs no others. */
  readonly unchecked: boolean;
}

/**
 * @param objects that the header of a pack names
 * @param idLength bytes of a raw id
 * @param commits true if commits are to be read, too
 * @returns what may read the pack while it comes in; undefined where that is of no use
 */
export function earlyEntries(
  { expansion, heights }: PackBounds,
  objects: number,
  idLength: number,
  commits: boolean,
): EarlyEntries | undefined {
  // What all objects have together is counted later, on the one way through the whole pack.
  const isCounted = expansion.least !== Number.POSITIVE_INFINITY;
  if (isCounted || objects < MANY_OBJECTS) return undefined;
  return new EarlyEntries(idLength, heights, commits ? new EarlyCommits(idLength) : undefined);
}

const NOTHING_ODD: OddObjects = { count: 0, lines: Buffer.alloc(0) };

/**
 * Checks a pack that git has taken in and completed.
 * @param begun what was read of it before
 * @returns objects that git has to check, if it has not
 * @throws CairnError `too-large` or `invalid` naming the object that is too large, too deep, too large with all that git holds
 *   beside it, or links to what is not there;
 *   `unavailable` when git cannot be run; the signal's reason when it is aborted
 */
export async function checkPack(
  over: CheckedOver,
  pack: ScannedPack,
  begun: EarlyEntries | undefined,
): Promise<OddObjects> {
  const { git, paths, bounds, signal, unchecked } = over;
  let heights: HeightBounds | undefined;
  let plain: PlainObjects | undefined;
  const listen = async (ids: SortedIds, trees: Uint32Array | undefined) => {
    if (ids.count < MANY_OBJECTS) return undefined;
    await ids.prepare();
    const known = trees === undefined ? undefined : begun?.bounds;
    heights = known ?? new HeightBounds(ids.idLength, bounds.heights);
    heights.allow(pack.size);
    await heights.know(ids, trees ?? new Uint32Array(0));
    if (unchecked) plain = new PlainObjects(ids, heights, begun?.commits);
    return plain ?? heights;
  };
  const entries = await scanPack(pack, unpackLimit(bounds, pack.size), { begun, listen });
  const reading = { git, paths, maxSize: MOST_LINKING_BYTES, signal };
  const reader = new ObjectReader(git, paths, MOST_LINKING_BYTES, signal);
  const checked = { pack, entries, reading, reader };
  const { idLength } = pack.idx;
  const { linkingBytes } = bounds;
  try {
    await checkCommits(pack, entries, linkingBytes, (oids) => reader.read(oids));
    const limit = { height: MOST_FOLDERS, bytes: linkingBytes };
    if ((await heights?.within(limit, entries.types)) === true)
      heights?.remember(newestOf(entries, PACKED_TREE));
    else
      await checkLinks(bounds, checked, PACKED_TREE, {
        limit,
        tooHigh: (id) => new CairnError('invalid', `tree ${id} is more than ${MOST_FOLDERS} folders deep`),
        tooHeavy: (id, bytes) =>
          tooHeavy(`tree ${id} and trees within each other below it have`, bytes, bounds),
        eachLink: (tree, hear, from, to) => eachSubtree(tree, idLength, hear, from, to),
      });
    await checkLinks(bounds, checked, PACKED_TAG, {
      limit: { height: MOST_TAGS, bytes: linkingBytes },
      tooHigh: (id) =>
        new CairnError('invalid', `tag ${id} is the first of more than ${MOST_TAGS} tags of tags`),
      tooHeavy: (id, bytes) => tooHeavy(`tag ${id} and the tags that it leads to have`, bytes, bounds),
      eachLink: eachTag,
    });
  } finally {
    await reader.close();
  }
  if (!unchecked) return NOTHING_ODD;
  return (await plain?.odd(entries)) ?? 'all';
}

interface CheckedPack {
  readonly pack: ScannedPack;
  readonly entries: PackEntries;
  readonly reading: ReadAllOptions;
  readonly reader: ObjectReader;
}

type LinkRule = Pick<HeightQuestion, 'limit' | 'tooHigh' | 'tooHeavy' | 'eachLink'>;

async function checkLinks(
  { heights: memory }: PackBounds,
  { pack, entries, reading, reader }: CheckedPack,
  type: number,
  rule: LinkRule,
): Promise<void> {
  const places = await placesOf(entries, type);
  if (places.length === 0) return;
  const own = await cooperate(entries.ids.pick(places));
  await own.prepare();
  await checkHeights({
    ...rule,
    own,
    memory,
    remembered: newestOf(entries, type).map((place) => indexIn(places, place)),
    readOwn: async (take) => {
      const left = await readPackedObjects(pack, entries, places, take);
      if (left.length === 0) return;
      let answered = 0;
      await readAllObjects(reading, idsOf(own, left), (oid, content) => {
        const whole = there(oid, content);
        take(left[answered++] ?? -1, whole, 0, whole.length);
      });
    },
    readOthers: async (oids, take) => {
      for await (const { oid, content } of reader.read(oids)) take(oid, there(oid, content));
    },
  });
}

function there(oid: string, content: Buffer | undefined): Buffer {
  if (content === undefined) throw new MissingObject(oid);
  return content;
}

function* idsOf(ids: SortedIds, places: Iterable<number>): Generator<string, void, undefined> {
  for (const place of places) yield ids.at(place).toString('hex');
}
