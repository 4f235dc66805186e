/**
 * What a pack may hold, beyond what git itself checks: nothing that git could not walk, pack and send again. It is looked at
 * as soon as git has taken the pack in, before anything walks down from an object in it, and whether refs reach it or not.
 */
import { PACKED_TAG, PACKED_TREE, subtreesOf, tagsOf } from '../git/index.ts';
import type { QuarantinePaths } from '../git-process/commands.ts';
import type { Git } from '../git-process/git.ts';
import { ObjectReader } from '../git-process/read-objects.ts';
import { CairnError } from '../lib/errors.ts';
import { SortedIds } from '../lib/sorted-ids.ts';
import { Pauses } from '../lib/turns.ts';
import { checkHeights, type HeightMemory, type LinkedObject } from './link-heights.ts';
import { MOST_LINKING_BYTES, type PackEntries, type ScannedPack, scanPack } from './pack-entries.ts';
import type { PushLimits } from './push-limits.ts';
import { readSmallObjects } from './small-objects.ts';

/** Folders within each other. git dies of some 60,000, newer git refuses more than 2,048, on Windows more than 512. */
export const MOST_FOLDERS = 256;
/** Tags of tags of tags. git follows them one by one, again for each ref. */
export const MOST_TAGS = 64;

/**
 * Milliseconds for git to unpack what has come: at the least, and more for each MiB. A few bytes can say "the same 16 MiB again" many
 * thousand times. Honest packs take some 30 ms for each MiB, and a second at the most.
 */
export interface UnpackPatience {
  readonly least: number;
  readonly perMiB: number;
}

const PATIENCE: UnpackPatience = { least: 120_000, perMiB: 2_000 };
const PATIENCE_WITH_STRANGERS: UnpackPatience = { least: 20_000, perMiB: 1_000 };

export interface PackBounds {
  /** Bytes that a pack may have as it is sent; 0 for any number. */
  readonly packBytes: number;
  /** Objects that the pack's header may name, counted before any of them is looked at; absent for any number. */
  readonly objects?: number;
  /** Bytes that one object may have. */
  readonly objectBytes: number;
  /** The setting that says so. */
  readonly setting: '--max-object-size' | '--anonymous-pushes';
  /** Bytes of an object that git may hold in memory. */
  readonly heldBytes: number;
  readonly patience: UnpackPatience;
  readonly heights: HeightMemory;
}

/**
 * @param allowed what somebody without a right of their own may send; absent for all others
 * @returns the bounds of a pack that comes in
 */
export function packBounds(
  { limits, heights }: { readonly limits: PushLimits; readonly heights: HeightMemory },
  allowed: AllowedPack | undefined,
): PackBounds {
  const { packBytes, objectBytes, heldBytes } = limits;
  const setting = '--max-object-size';
  const own: PackBounds = { packBytes, objectBytes, heldBytes, setting, patience: PATIENCE, heights };
  if (allowed === undefined) return own;
  const { bytes, objects, object } = allowed;
  const bounds = {
    ...own,
    packBytes: Math.min(bytes, packBytes),
    objects,
    patience: PATIENCE_WITH_STRANGERS,
  };
  return object < objectBytes ? { ...bounds, objectBytes: object, setting: '--anonymous-pushes' } : bounds;
}

/** What somebody may send without a right of their own: bytes and objects of a pack, and bytes of one object. */
export interface AllowedPack {
  readonly bytes: number;
  readonly objects: number;
  readonly object: number;
}

export interface CheckedOver {
  readonly git: Git;
  readonly paths: QuarantinePaths;
  readonly bounds: PackBounds;
  readonly signal: AbortSignal;
}

/**
 * Checks a pack that git has taken in and completed.
 * @throws CairnError `too-large` or `invalid` naming the object that is too large, too deep, or links to what is not there;
 *   `unavailable` when git cannot be run; the signal's reason when it is aborted
 */
export async function checkPack(over: CheckedOver, pack: ScannedPack): Promise<void> {
  const { git, paths, bounds, signal } = over;
  const entries = await scanPack(pack, bounds);
  const reader = new ObjectReader(git, paths, MOST_LINKING_BYTES, signal);
  const checked = { pack, entries, reader };
  const { idLength } = pack.idx;
  try {
    await checkLinks(bounds, checked, PACKED_TREE, {
      limit: MOST_FOLDERS,
      exceeded: (id) => new CairnError('invalid', `tree ${id} is more than ${MOST_FOLDERS} folders deep`),
      linksOf: (tree) => subtreesOf(tree, idLength),
    });
    await checkLinks(bounds, checked, PACKED_TAG, {
      limit: MOST_TAGS,
      exceeded: (id) =>
        new CairnError('invalid', `tag ${id} is the first of more than ${MOST_TAGS} tags of tags`),
      linksOf: tagsOf,
    });
  } finally {
    await reader.close();
  }
}

interface CheckedPack {
  readonly pack: ScannedPack;
  readonly entries: PackEntries;
  readonly reader: ObjectReader;
}

interface LinkRule {
  readonly limit: number;
  readonly exceeded: (id: string) => CairnError;
  readonly linksOf: (content: Buffer) => Iterable<Buffer>;
}

async function checkLinks(
  bounds: PackBounds,
  { pack, entries, reader }: CheckedPack,
  type: number,
  { limit, exceeded, linksOf }: LinkRule,
): Promise<void> {
  const places = await placesOf(entries, type);
  if (places.length === 0) return;
  const own = new SortedIds(
    Buffer.concat(places.map((place) => entries.ids.at(place))),
    entries.ids.idLength,
  );
  const read = async function* (oids: Iterable<string>): AsyncGenerator<LinkedObject> {
    for await (const { oid, content } of reader.read(oids)) {
      if (content === undefined) throw new CairnError('invalid', `it builds on ${oid}, which is missing`);
      yield { id: Buffer.from(oid, 'hex'), links: linksOf(content) };
    }
  };
  const readOwn = async function* (): AsyncGenerator<LinkedObject> {
    const contents = await readSmallObjects(pack, entries, places);
    if (contents === undefined) return yield* read(fromTheEnd(entries, type));
    for (const [at, content] of contents.entries()) yield { id: own.at(at), links: linksOf(content) };
  };
  await checkHeights({ own, readOwn, readOthers: read, memory: bounds.heights, limit, exceeded });
}

/** Places of the objects of a type, in order of their ids. */
async function placesOf({ types }: PackEntries, type: number): Promise<number[]> {
  const places: number[] = [];
  const pauses = new Pauses();
  for (let place = 0; place < types.length; place++) {
    if (types[place] === type) places.push(place);
    if (pauses.isDue) await pauses.next();
  }
  return places;
}

/** Ids of the objects of a type, the last of the pack first: git writes what is linked to behind what links to it. */
function* fromTheEnd({ order, types, ids }: PackEntries, type: number): Generator<string, void, undefined> {
  for (let at = order.length - 1; at >= 0; at--) {
    const place = order[at] ?? 0;
    if (types[place] === type) yield ids.at(place).toString('hex');
  }
}
