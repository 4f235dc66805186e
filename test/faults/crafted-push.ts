/**
 * Pushes that no git client makes, drawn from a seed. Each knows what may become of it: some have to be taken, some have
 * to be refused, and for the others it is enough that what is taken can be served.
 */
import { appendDelta, CraftedPack, type PackEnd, repeatDelta } from '../helpers/craft-pack.ts';
import { commitObject, objectId, type RawObject } from '../helpers/raw-git.ts';
import type { SeededDice } from '../helpers/seeded-dice.ts';

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

type Shape = (dice: SeededDice, known: Known) => Omit<CraftedPush, 'shape'>;

/** Draws one push. */
export function craftPush(dice: SeededDice, known: Known): CraftedPush {
  const shape = dice.pick(Object.keys(SHAPES)) as keyof typeof SHAPES;
  return { shape, ...SHAPES[shape](dice, known) };
}

const SHAPES = {
  plain: (dice, known) => pushOf(plainCommit(dice, known), 'accepted'),

  'an object nobody names': (dice, known) =>
    pushOf([freshBlob(dice), ...plainCommit(dice, known)], 'accepted'),

  'an object left out': (dice, known) => {
    const objects = plainCommit(dice, known);
    const sent = objects.toSpliced(dice.below(objects.length - 1), 1);
    return { ...pushOf(objects, 'refused'), pack: new CraftedPack().all(sent).bytes() };
  },

  'an object twice': (dice, known) => {
    const objects = plainCommit(dice, known);
    const again = Array.from({ length: 1 + dice.below(3) }, () => dice.pick(objects));
    return { ...pushOf(objects, 'either'), pack: new CraftedPack().all([...objects, ...again]).bytes() };
  },

  deep: (dice) => {
    const depth = dice.pick([
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
    return pushOf(deepCommit(dice, depth), verdictOnDepth(depth));
  },

  'deeper than what is there': (dice, known) => {
    const below = known.trees.length === 0 ? undefined : dice.pick(known.trees);
    const levels = dice.pick([1, 40, USUAL_DEPTH]);
    return pushOf(deepCommit(dice, levels, below?.tree), verdictOnDepth(levels + (below?.depth ?? 0)));
  },

  wide: (dice, known) => {
    const blobs = Array.from({ length: 1 + dice.below(2_000) }, () => freshBlob(dice));
    return pushOf([...blobs, ...commitOf(dice, known, treeOf(blobs))], 'accepted');
  },

  'many versions of one file': (dice, known) => {
    const links = dice.pick([5, 50, 50, 250, 4_000, 4_095, 4_096, 12_000]);
    const blobs = grownBlobs(dice, links + 1);
    const rest = commitOf(dice, known, treeOf(blobs));
    const pack = new CraftedPack();
    let last = pack.whole(blobs[0] ?? freshBlob(dice));
    for (const blob of blobs.slice(1))
      last = pack.offsetDelta(last, appendDelta(blob.content.length - 1, blob.content.subarray(-1)));
    const verdict = links <= 50 ? 'accepted' : links > 10_000 ? 'refused' : 'either';
    return { ...pushOf([...blobs, ...rest], verdict), pack: pack.all(rest).bytes() };
  },

  'tags of tags': (dice, known) => {
    const links = dice.pick([1, 2, 5, 30, 64, 100, 5_000]);
    const objects = [...plainCommit(dice, known)];
    for (let link = 0; link < links; link++)
      objects.push(tagOf(objects.at(-1) ?? freshBlob(dice), `t${link}`));
    const verdict = links <= 5 ? 'accepted' : links > 1_000 ? 'refused' : 'either';
    return { ...pushOf(objects, verdict), kind: 'tags' };
  },

  thin: (dice, known) => thinPush(dice, known, 'accepted'),

  'bytes behind a thin pack': (dice, known) => {
    // As many as git appends to complete it, more or less: a base whole, and the trailer in its place.
    const junk = dice.pick([0, 0, 0, 1, -1, 12, 20]);
    return thinPush(dice, known, 'refused', junk);
  },

  'bytes behind the pack': (dice, known) => {
    const junk = randomBytes(dice, dice.pick([1, 2, 19, 20, 21, 32, 100, 5_000]));
    return craftedEnd(dice, known, { junk });
  },

  'a pack behind the pack': (dice, known) => {
    const junk = new CraftedPack().all(plainCommit(dice, known)).bytes();
    return craftedEnd(dice, known, { junk });
  },

  'another number of objects': (dice, known) => {
    const objects = plainCommit(dice, known);
    const count = dice.pick([objects.length - 1, objects.length + 1, 0, 0xffff_ffff]);
    return { ...pushOf(objects, 'refused'), pack: new CraftedPack().all(objects).bytes({ count }) };
  },

  'a wrong checksum': (dice, known) => craftedEnd(dice, known, { trailer: 'wrong' }),

  'version 3': (dice, known) => ({ ...craftedEnd(dice, known, { version: 3 }), verdict: 'either' }),

  'version 4': (dice, known) => craftedEnd(dice, known, { version: 4 }),

  'a pack cut short': (dice, known) => {
    const push = pushOf(plainCommit(dice, known), 'refused');
    return { ...push, pack: push.pack.subarray(0, 4 + dice.below(push.pack.length - 4)) };
  },

  'a byte changed': (dice, known) => {
    const objects = plainCommit(dice, known);
    const pack = new CraftedPack();
    const chosen = dice.below(objects.length);
    for (const [at, object] of objects.entries()) {
      if (at !== chosen) pack.whole(object);
      else pack.raw(changed(dice, new CraftedPack().all([object]).bytes().subarray(12, -20)));
    }
    return { ...pushOf(objects, 'either'), pack: pack.bytes() };
  },

  'a file where a folder belongs': (dice, known) => {
    const blob = freshBlob(dice);
    return pushOf([blob, ...commitOf(dice, known, treeOf([blob], '40000'))], 'refused');
  },

  'a folder where a file belongs': (dice, known) => {
    const blob = freshBlob(dice);
    const folder = treeOf([blob]);
    return pushOf([blob, folder, ...commitOf(dice, known, treeOf([folder], '100644'))], 'refused');
  },

  'a commit of a file': (dice) => {
    const blob = freshBlob(dice);
    return pushOf([blob, commitObject(objectId(blob))], 'refused');
  },

  'a commit whose parent is a file': (dice) => {
    const blob = freshBlob(dice);
    const tree = treeOf([blob]);
    return pushOf([blob, tree, commitObject(objectId(tree), [objectId(blob)])], 'refused');
  },

  'a commit whose parent nobody has': (dice) => {
    const blob = freshBlob(dice);
    const tree = treeOf([blob]);
    return pushOf([blob, tree, commitObject(objectId(tree), [dice.hex(20)])], 'refused');
  },

  'a tag of another type': (dice, known) => {
    const objects = plainCommit(dice, known);
    const commit = objects.at(-1) ?? freshBlob(dice);
    const tag = tagOf({ type: 'tree', content: commit.content }, 'odd', objectId(commit));
    return { ...pushOf([...objects, tag], 'refused'), kind: 'tags' };
  },

  'an author without an address': (dice) => {
    const blob = freshBlob(dice);
    const tree = treeOf([blob]);
    const content = commitObject(objectId(tree)).content.toString().replaceAll(' <user@example.com>', '');
    return pushOf([blob, tree, { type: 'commit', content: Buffer.from(content) }], 'refused');
  },

  'a size beyond all bounds': (dice, known) => {
    const objects = plainCommit(dice, known);
    const size = dice.pick([LARGEST_OBJECT + 1, 2 ** 31, 2 ** 32 + 5, 2 ** 40, 2 ** 50]);
    const type = dice.pick(['blob', 'tree', 'commit', 'tag'] as const);
    const pack = new CraftedPack().all(objects);
    pack.whole({ type, content: freshBlob(dice).content }, size);
    return { ...pushOf(objects, 'refused'), pack: pack.bytes() };
  },

  'a file larger than allowed': (dice, known) => {
    const zeros: RawObject = {
      type: 'blob',
      content: Buffer.alloc(LARGEST_OBJECT + 1 + dice.below(100_000)),
    };
    return pushOf([zeros, ...commitOf(dice, known, treeOf([zeros]))], 'refused');
  },

  'a difference that makes gigabytes': (dice, known) => {
    const objects = plainCommit(dice, known);
    const pack = new CraftedPack().all(objects);
    const seed = Buffer.alloc(1_000, dice.hex(4));
    const small = pack.whole({ type: 'blob', content: seed });
    const medium = pack.offsetDelta(small, repeatDelta(1_000, 2_000));
    pack.offsetDelta(medium, repeatDelta(2_000_000, dice.pick([50, 500, 1_100])));
    return { ...pushOf(objects, 'refused'), pack: pack.bytes() };
  },

  'a difference from itself': (dice, known) => {
    const objects = plainCommit(dice, known);
    const pack = new CraftedPack().all(objects);
    pack.refDelta(dice.hex(20), appendDelta(10, Buffer.from('x')));
    return { ...pushOf(objects, 'refused'), pack: pack.bytes() };
  },

  'a difference of another size': (dice, known) => {
    const objects = plainCommit(dice, known);
    const pack = new CraftedPack().all(objects);
    pack.offsetDelta(0, appendDelta(1_000_000, Buffer.from('x')));
    return { ...pushOf(objects, 'refused'), pack: pack.bytes() };
  },

  'no objects': (dice, known) => {
    const commit = known.commits.length === 0 ? undefined : dice.pick(known.commits);
    if (commit === undefined) return pushOf(plainCommit(dice, known), 'accepted');
    return { ...pushOf([commit], 'accepted'), pack: new CraftedPack().bytes() };
  },

  'a shallow line': (dice, known) => {
    const objects = plainCommit(dice, known);
    const line = dice.pick([objectId(objects.at(-1) ?? freshBlob(dice)), dice.hex(20)]);
    return { ...pushOf(objects, 'either'), shallow: [line] };
  },

  'a cut history': (dice) => {
    const blob = freshBlob(dice);
    const tree = treeOf([blob]);
    const oldest = commitObject(objectId(tree), [dice.hex(20)]);
    const tip = commitObject(objectId(tree), [objectId(oldest)]);
    return { ...pushOf([blob, tree, oldest, tip], 'refused'), shallow: [objectId(oldest)] };
  },

  'a cut history beside the tip': (dice, known) => {
    const objects = plainCommit(dice, known);
    const tree = objects.find(({ type }) => type === 'tree') ?? freshBlob(dice);
    const aside = commitObject(objectId(tree), [dice.hex(20)], 'aside');
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
function craftedEnd(dice: SeededDice, known: Known, end: PackEnd): Omit<CraftedPush, 'shape'> {
  const objects = plainCommit(dice, known);
  return { ...pushOf(objects, 'refused'), pack: new CraftedPack().all(objects).bytes(end) };
}

/**
 * A file that is sent as its difference from one that is published.
 * @param junk bytes sent behind the trailer beyond those that git appends; none at all when not given
 */
function thinPush(
  dice: SeededDice,
  known: Known,
  verdict: CraftedPush['verdict'],
  junk?: number,
): Omit<CraftedPush, 'shape'> {
  if (known.blobs.length === 0) return pushOf(plainCommit(dice, known), 'accepted');
  const base = dice.pick(known.blobs);
  const appended = randomBytes(dice, 1 + dice.below(100));
  const blob: RawObject = { type: 'blob', content: Buffer.concat([base.content, appended]) };
  const rest = commitOf(dice, known, treeOf([blob]));
  const pack = new CraftedPack();
  pack.refDelta(objectId(base), appendDelta(base.content.length, appended));
  pack.all(rest);
  const completed = new CraftedPack().all([base]).bytes().length - 12 - 20;
  const more = junk === undefined ? undefined : randomBytes(dice, Math.max(1, completed + junk));
  return {
    ...pushOf([blob, ...rest], verdict),
    pack: pack.bytes(more === undefined ? {} : { junk: more }),
  };
}

/** A file, its folder and a commit, upon one that is published or upon none. */
function plainCommit(dice: SeededDice, known: Known): RawObject[] {
  const blob = freshBlob(dice);
  return [blob, ...commitOf(dice, known, treeOf([blob]))];
}

function commitOf(dice: SeededDice, known: Known, tree: RawObject): RawObject[] {
  const parents =
    known.commits.length === 0 || dice.below(3) === 0 ? [] : [objectId(dice.pick(known.commits))];
  return [tree, commitObject(objectId(tree), parents, dice.hex(6))];
}

/** Folders in one another, the outermost last, and a commit of it. */
function deepCommit(dice: SeededDice, depth: number, innermost?: RawObject): RawObject[] {
  const blob = freshBlob(dice);
  const objects: RawObject[] = [blob];
  let tree = innermost;
  for (let level = 0; level < depth; level++) {
    tree = treeOf(tree === undefined ? [blob] : [tree], tree === undefined ? '100644' : '40000');
    objects.push(tree);
  }
  return [...objects, commitObject(objectId(tree ?? blob), [], dice.hex(6))];
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
function grownBlobs(dice: SeededDice, count: number): RawObject[] {
  const whole = randomBytes(dice, 20 + count);
  return Array.from({ length: count }, (_, at) => ({ type: 'blob', content: whole.subarray(0, 20 + at) }));
}

function freshBlob(dice: SeededDice): RawObject {
  return { type: 'blob', content: randomBytes(dice, 20 + dice.below(2_000)) };
}

function changed(dice: SeededDice, entry: Buffer): Buffer {
  const copy = Buffer.from(entry);
  const at = dice.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << dice.below(8));
  return copy;
}

function randomBytes(dice: SeededDice, length: number): Buffer {
  return Buffer.from(dice.hex(length), 'hex');
}
