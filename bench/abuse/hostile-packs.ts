import { CraftedPack, repeatDelta } from '../../test/helpers/craft-pack.ts';
import { commitObject, objectId, type RawObject } from '../../test/helpers/raw-git.ts';

/** A pack and what it wants a ref to point at. */
export interface HostilePack {
  readonly pack: Buffer;
  readonly tip: string;
}

let numbers = 0;

/** A small commit that nothing is wrong with, another one each time. */
export function harmless(): HostilePack {
  return packOf(smallCommit());
}

/** The same with bytes behind the trailer. */
export function withJunk(length: number): HostilePack {
  const objects = smallCommit();
  const pack = new CraftedPack().all(objects).bytes({ junk: Buffer.alloc(length, 7) });
  return { pack, tip: tipOf(objects) };
}

/** Folders in one another. */
export function deepTree(levels: number): HostilePack {
  const blob = smallBlob();
  const objects = [blob];
  let tree = treeOf('100644', blob);
  for (let level = 1; level < levels; level++) {
    objects.push(tree);
    tree = treeOf('40000', tree);
  }
  return packOf([...objects, tree, commitObject(objectId(tree))]);
}

/** Some 1,300 bytes of which git would make an object of 2 GiB: copies of copies. */
export function copyBomb(): HostilePack {
  const objects = smallCommit();
  const pack = new CraftedPack().all(objects);
  const small = pack.whole({ type: 'blob', content: Buffer.alloc(1_000, numbers) });
  const medium = pack.offsetDelta(small, repeatDelta(1_000, 2_000));
  pack.offsetDelta(medium, repeatDelta(2_000_000, 1_073));
  return { pack: pack.bytes(), tip: tipOf(objects) };
}

/** A commit of one file of zeros, which take next to nothing on the way. */
export function zeros(bytes: number): HostilePack {
  const blob: RawObject = { type: 'blob', content: Buffer.alloc(bytes) };
  const tree = treeOf('100644', blob);
  return packOf([blob, tree, commitObject(objectId(tree))]);
}

function smallCommit(): RawObject[] {
  const blob = smallBlob();
  const tree = treeOf('100644', blob);
  return [blob, tree, commitObject(objectId(tree))];
}

function smallBlob(): RawObject {
  numbers += 1;
  return { type: 'blob', content: Buffer.from(`content ${process.pid} ${numbers}\n`) };
}

function treeOf(mode: string, object: RawObject): RawObject {
  return {
    type: 'tree',
    content: Buffer.concat([Buffer.from(`${mode} a\0`), Buffer.from(objectId(object), 'hex')]),
  };
}

function packOf(objects: readonly RawObject[]): HostilePack {
  return { pack: new CraftedPack().all(objects).bytes(), tip: tipOf(objects) };
}

function tipOf(objects: readonly RawObject[]): string {
  const tip = objects.at(-1);
  if (tip === undefined) throw new RangeError('a pack of nothing');
  return objectId(tip);
}
