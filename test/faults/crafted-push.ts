/**
 * Pushes that no git client makes, drawn from a seed. Each knows what may become of it: some have to be taken, some have
 * to be refused, and for the others it is enough that what is taken can be served.
 */
import { deflateSync } from 'node:zlib';
import { appendDelta, CraftedPack, entryHeader, type PackEnd, repeatDelta } from '../helpers/craft-pack.ts';
import { commitObject, objectId, type RawObject } from '../helpers/raw-git.ts';
import type { SeededRandom } from '../helpers/seeded-random.ts';

export interface CraftedPush {
  readonly shape: string;
  readonly pack: Buffer;
  readonly tip: string;
  /** Under which kind of ref it goes. */
  readonly kind: 'heads' | 'tags';
  readonly shallow?: readonly string[];
  readonly verdict: 'accepted' | 'refused' | 'either';
  /** What the client has if it is taken. */
  readonly brings: readonly RawObject[];
}

/** Objects of one repository that are published, as the client knows them. */
export interface Known {
  readonly blobs: RawObject[];
  /** Roots of commits, each with how many levels of folders it has. */
  readonly trees: { readonly tree: RawObject; readonly depth: number }[];
  readonly commits: RawObject[];
}

/** The largest object that the server under test takes, in bytes. */
export const LARGEST_OBJECT = 4 * 1024 * 1024;
/** Levels of folders that everybody may have, and from which on nobody may. */
const [USUAL_DEPTH, EXCESSIVE_DEPTH] = [100, 3_000];

type Shape = (random: SeededRandom, known: Known) => Omit<CraftedPush, 'shape'>;

/** Draws one push. */
export function craftPush(random: SeededRandom, known: Known): CraftedPush {
  const shape = random.pick(Object.keys(SHAPES)) as keyof typeof SHAPES;
  return { shape, ...SHAPES[shape](random, known) };
}

const SHAPES = {
  plain: (random, known) => pushOf(plainCommit(random, known), 'accepted'),

  'an object nobody names': (random, known) =>
    pushOf([freshBlob(random), ...plainCommit(random, known)], 'accepted'),

  'an object left out': (random, known) => {
    const objects = plainCommit(random, known);
    const sent = objects.toSpliced(random.below(objects.length - 1), 1);
    return { ...pushOf(objects, 'refused'), pack: new CraftedPack().all(sent).bytes() };
  },

  'an object twice': (random, known) => {
    const objects = plainCommit(random, known);
    const again = Array.from({ length: 1 + random.below(3) }, () => random.pick(objects));
    return { ...pushOf(objects, 'either'), pack: new CraftedPack().all([...objects, ...again]).bytes() };
  },

  deep: (random) => {
    const depth = random.pick([
      3,
      60,
      USUAL_DEPTH,
      250,
      256,
      257,
      512,
      513,
      1_000,
      2_048,
      2_049,
      4_096,
      12_000,
    ]);
    return pushOf(deepCommit(random, depth), verdictOnDepth(depth));
  },

  'deeper than what is there': (random, known) => {
    const below = known.trees.length === 0 ? undefined : random.pick(known.trees);
    const levels = random.pick([1, 40, USUAL_DEPTH]);
    return pushOf(deepCommit(random, levels, below?.tree), verdictOnDepth(levels + (below?.depth ?? 0)));
  },

  wide: (random, known) => {
    const blobs = Array.from({ length: 1 + random.below(2_000) }, () => freshBlob(random));
    return pushOf([...blobs, ...commitOf(random, known, treeOf(blobs))], 'accepted');
  },

  'many versions of one file': (random, known) => {
    const links = random.pick([5, 50, 50, 250, 4_000, 4_095, 4_096, 12_000]);
    const blobs = grownBlobs(random, links + 1);
    const rest = commitOf(random, known, treeOf(blobs));
    const pack = new CraftedPack();
    let last = pack.whole(blobs[0] ?? freshBlob(random));
    for (const blob of blobs.slice(1))
      last = pack.offsetDelta(last, appendDelta(blob.content.length - 1, blob.content.subarray(-1)));
    const verdict = links <= 50 ? 'accepted' : links > 10_000 ? 'refused' : 'either';
    return { ...pushOf([...blobs, ...rest], verdict), pack: pack.all(rest).bytes() };
  },

  'tags of tags': (random, known) => {
    const links = random.pick([1, 2, 5, 30, 64, 100, 5_000]);
    const objects = [...plainCommit(random, known)];
    for (let link = 0; link < links; link++)
      objects.push(tagOf(objects.at(-1) ?? freshBlob(random), `t${link}`));
    const verdict = links <= 5 ? 'accepted' : links > 1_000 ? 'refused' : 'either';
    return { ...pushOf(objects, verdict), kind: 'tags' };
  },

  thin: (random, known) => thinPush(random, known, 'accepted'),

  'bytes behind a thin pack': (random, known) => {
    // As many as git appends to complete it, more or less: a base whole, and the trailer in its place.
    const junk = random.pick([0, 0, 0, 1, -1, 12, 20]);
    return thinPush(random, known, 'refused', junk);
  },

  'bytes behind the pack': (random, known) => {
    const junk = randomBytes(random, random.pick([1, 2, 19, 20, 21, 32, 100, 5_000]));
    return craftedEnd(random, known, { junk });
  },

  'a pack behind the pack': (random, known) => {
    const junk = new CraftedPack().all(plainCommit(random, known)).bytes();
    return craftedEnd(random, known, { junk });
  },

  'another number of objects': (random, known) => {
    const objects = plainCommit(random, known);
    const count = random.pick([objects.length - 1, objects.length + 1, 0, 0xffff_ffff]);
    return { ...pushOf(objects, 'refused'), pack: new CraftedPack().all(objects).bytes({ count }) };
  },

  'a wrong checksum': (random, known) => craftedEnd(random, known, { trailer: 'wrong' }),

  'version 3': (random, known) => ({ ...craftedEnd(random, known, { version: 3 }), verdict: 'either' }),

  'version 4': (random, known) => craftedEnd(random, known, { version: 4 }),

  'a pack cut short': (random, known) => {
    const push = pushOf(plainCommit(random, known), 'refused');
    return { ...push, pack: push.pack.subarray(0, 4 + random.below(push.pack.length - 4)) };
  },

  'a byte changed': (random, known) => {
    const objects = plainCommit(random, known);
    const pack = new CraftedPack();
    const chosen = random.below(objects.length);
    for (const [at, object] of objects.entries()) {
      if (at !== chosen) pack.whole(object);
      else pack.raw(changed(random, new CraftedPack().all([object]).bytes().subarray(12, -20)));
    }
    return { ...pushOf(objects, 'either'), pack: pack.bytes() };
  },

  'a file where a folder belongs': (random, known) => {
    const blob = freshBlob(random);
    return pushOf([blob, ...commitOf(random, known, treeOf([blob], '40000'))], 'refused');
  },

  'a folder where a file belongs': (random, known) => {
    const blob = freshBlob(random);
    const folder = treeOf([blob]);
    return pushOf([blob, folder, ...commitOf(random, known, treeOf([folder], '100644'))], 'refused');
  },

  'a commit of a file': (random) => {
    const blob = freshBlob(random);
    return pushOf([blob, commitObject(objectId(blob))], 'refused');
  },

  'a commit whose parent is a file': (random) => {
    const blob = freshBlob(random);
    const tree = treeOf([blob]);
    return pushOf([blob, tree, commitObject(objectId(tree), [objectId(blob)])], 'refused');
  },

  'a commit whose parent nobody has': (random) => {
    const blob = freshBlob(random);
    const tree = treeOf([blob]);
    return pushOf([blob, tree, commitObject(objectId(tree), [random.hex(20)])], 'refused');
  },

  'a tag of another type': (random, known) => {
    const objects = plainCommit(random, known);
    const commit = objects.at(-1) ?? freshBlob(random);
    const tag = tagOf({ type: 'tree', content: commit.content }, 'odd', objectId(commit));
    return { ...pushOf([...objects, tag], 'refused'), kind: 'tags' };
  },

  'an author without an address': (random) => {
    const blob = freshBlob(random);
    const tree = treeOf([blob]);
    const content = commitObject(objectId(tree)).content.toString().replaceAll(' <user@example.com>', '');
    return pushOf([blob, tree, { type: 'commit', content: Buffer.from(content) }], 'refused');
  },

  'a size beyond all bounds': (random, known) => {
    const objects = plainCommit(random, known);
    const size = random.pick([LARGEST_OBJECT + 1, 2 ** 31, 2 ** 32 + 5, 2 ** 40, 2 ** 50]);
    const type = random.pick(['blob', 'tree', 'commit', 'tag'] as const);
    const pack = new CraftedPack().all(objects);
    pack.whole({ type, content: freshBlob(random).content }, size);
    return { ...pushOf(objects, 'refused'), pack: pack.bytes() };
  },

  'a file larger than allowed': (random, known) => {
    const zeros: RawObject = {
      type: 'blob',
      content: Buffer.alloc(LARGEST_OBJECT + 1 + random.below(100_000)),
    };
    return pushOf([zeros, ...commitOf(random, known, treeOf([zeros]))], 'refused');
  },

  'a difference that makes gigabytes': (random, known) => {
    const objects = plainCommit(random, known);
    const pack = new CraftedPack().all(objects);
    const seed = Buffer.alloc(1_000, random.hex(4));
    const small = pack.whole({ type: 'blob', content: seed });
    const medium = pack.offsetDelta(small, repeatDelta(1_000, 2_000));
    pack.offsetDelta(medium, repeatDelta(2_000_000, random.pick([50, 500, 1_100])));
    return { ...pushOf(objects, 'refused'), pack: pack.bytes() };
  },

  'a difference from itself': (random, known) => {
    const objects = plainCommit(random, known);
    const pack = new CraftedPack().all(objects);
    pack.refDelta(random.hex(20), appendDelta(10, Buffer.from('x')));
    return { ...pushOf(objects, 'refused'), pack: pack.bytes() };
  },

  'a difference of another size': (random, known) => {
    const objects = plainCommit(random, known);
    const pack = new CraftedPack().all(objects);
    pack.offsetDelta(0, appendDelta(1_000_000, Buffer.from('x')));
    return { ...pushOf(objects, 'refused'), pack: pack.bytes() };
  },

  'a size in more bytes than it needs': (random, known) => {
    const blob = freshBlob(random);
    const more = randomBytes(random, 1 + random.below(100));
    const changed: RawObject = { type: 'blob', content: Buffer.concat([blob.content, more]) };
    const rest = commitOf(random, known, treeOf([blob, changed]));
    const length = blob.content.length;
    const [whole = 0, delta = 0, base = 0, result = 0] = paddings(random);
    const difference = appendDelta(length, more, { base, result });
    const pack = new CraftedPack();
    const header = entryHeader(3, length, whole);
    const entry = pack.raw(Buffer.concat([header, deflateSync(blob.content)]));
    pack.offsetDelta(entry, difference, difference.length, delta);
    return { ...pushOf([blob, changed, ...rest], 'refused'), pack: pack.all(rest).bytes() };
  },

  'no objects': (random, known) => {
    const commit = known.commits.length === 0 ? undefined : random.pick(known.commits);
    if (commit === undefined) return pushOf(plainCommit(random, known), 'accepted');
    return { ...pushOf([commit], 'accepted'), pack: new CraftedPack().bytes() };
  },

  'a shallow line': (random, known) => {
    const objects = plainCommit(random, known);
    const line = random.pick([objectId(objects.at(-1) ?? freshBlob(random)), random.hex(20)]);
    return { ...pushOf(objects, 'either'), shallow: [line] };
  },

  'a cut history': (random) => {
    const blob = freshBlob(random);
    const tree = treeOf([blob]);
    const oldest = commitObject(objectId(tree), [random.hex(20)]);
    const tip = commitObject(objectId(tree), [objectId(oldest)]);
    return { ...pushOf([blob, tree, oldest, tip], 'refused'), shallow: [objectId(oldest)] };
  },

  'a cut history beside the tip': (random, known) => {
    const objects = plainCommit(random, known);
    const tree = objects.find(({ type }) => type === 'tree') ?? freshBlob(random);
    const aside = commitObject(objectId(tree), [random.hex(20)], 'aside');
    return {
      ...pushOf(objects, 'either'),
      pack: new CraftedPack().all([aside, ...objects]).bytes(),
      shallow: [objectId(aside)],
    };
  },
} as const satisfies Record<string, Shape>;

/** A push of whole objects; the last one is its tip. */
function pushOf(objects: readonly RawObject[], verdict: CraftedPush['verdict']): Omit<CraftedPush, 'shape'> {
  const tip = objects.at(-1);
  if (tip === undefined) throw new Error('a push of nothing');
  return {
    pack: new CraftedPack().all(objects).bytes(),
    tip: objectId(tip),
    kind: 'heads',
    verdict,
    brings: objects,
  };
}

/** A plain commit in a pack that ends in another way, and therefore has to be refused. */
function craftedEnd(random: SeededRandom, known: Known, end: PackEnd): Omit<CraftedPush, 'shape'> {
  const objects = plainCommit(random, known);
  return { ...pushOf(objects, 'refused'), pack: new CraftedPack().all(objects).bytes(end) };
}

/**
 * A file that is sent as its difference from one that is published.
 * @param junk bytes sent behind the trailer beyond those that git appends; none at all when not given
 */
function thinPush(
  random: SeededRandom,
  known: Known,
  verdict: CraftedPush['verdict'],
  junk?: number,
): Omit<CraftedPush, 'shape'> {
  if (known.blobs.length === 0) return pushOf(plainCommit(random, known), 'accepted');
  const base = random.pick(known.blobs);
  const appended = randomBytes(random, 1 + random.below(100));
  const blob: RawObject = { type: 'blob', content: Buffer.concat([base.content, appended]) };
  const rest = commitOf(random, known, treeOf([blob]));
  const pack = new CraftedPack();
  pack.refDelta(objectId(base), appendDelta(base.content.length, appended));
  pack.all(rest);
  const completed = new CraftedPack().all([base]).bytes().length - 12 - 20;
  const more = junk === undefined ? undefined : randomBytes(random, Math.max(1, completed + junk));
  return {
    ...pushOf([blob, ...rest], verdict),
    pack: pack.bytes(more === undefined ? {} : { junk: more }),
  };
}

/** A file, its folder and a commit, upon one that is published or upon none. */
function plainCommit(random: SeededRandom, known: Known): RawObject[] {
  const blob = freshBlob(random);
  return [blob, ...commitOf(random, known, treeOf([blob]))];
}

function commitOf(random: SeededRandom, known: Known, tree: RawObject): RawObject[] {
  const parents =
    known.commits.length === 0 || random.below(3) === 0 ? [] : [objectId(random.pick(known.commits))];
  return [tree, commitObject(objectId(tree), parents, random.hex(6))];
}

/** Folders in one another, the outermost last, and a commit of it. */
function deepCommit(random: SeededRandom, depth: number, innermost?: RawObject): RawObject[] {
  const blob = freshBlob(random);
  const objects: RawObject[] = [blob];
  let tree = innermost;
  for (let level = 0; level < depth; level++) {
    tree = treeOf(tree === undefined ? [blob] : [tree], tree === undefined ? '100644' : '40000');
    objects.push(tree);
  }
  return [...objects, commitObject(objectId(tree ?? blob), [], random.hex(6))];
}

function verdictOnDepth(depth: number): CraftedPush['verdict'] {
  if (depth <= USUAL_DEPTH) return 'accepted';
  return depth >= EXCESSIVE_DEPTH ? 'refused' : 'either';
}

function treeOf(objects: readonly RawObject[], mode = '100644'): RawObject {
  const entries = objects.map((object, at) => {
    const name = `${mode} ${String(at).padStart(6, '0')}\0`;
    return Buffer.concat([Buffer.from(name), Buffer.from(objectId(object), 'hex')]);
  });
  return { type: 'tree', content: Buffer.concat(entries) };
}

function tagOf(object: RawObject, name: string, oid = objectId(object)): RawObject {
  const who = 'A User <user@example.com> 1700000000 +0000';
  const text = `object ${oid}\ntype ${object.type}\ntag ${name}\ntagger ${who}\n\nA tag\n`;
  return { type: 'tag', content: Buffer.from(text) };
}

/** Contents that each grow by a byte. */
function grownBlobs(random: SeededRandom, count: number): RawObject[] {
  const whole = randomBytes(random, 20 + count);
  return Array.from({ length: count }, (_, at) => ({ type: 'blob', content: whole.subarray(0, 20 + at) }));
}

function freshBlob(random: SeededRandom): RawObject {
  return { type: 'blob', content: randomBytes(random, 20 + random.below(2_000)) };
}

/** How many bytes each of four sizes has that it does not need: at least one of them has some. */
function paddings(random: SeededRandom): number[] {
  const drawn = [0, 0, 0, 0].map(() => random.below(2) * random.pick([1, 4, 7, 8, 9, 15, 18, 30]));
  return drawn.every((bytes) => bytes === 0) ? paddings(random) : drawn;
}

function changed(random: SeededRandom, entry: Buffer): Buffer {
  const copy = Buffer.from(entry);
  const at = random.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}

function randomBytes(random: SeededRandom, length: number): Buffer {
  return Buffer.from(random.hex(length), 'hex');
}
