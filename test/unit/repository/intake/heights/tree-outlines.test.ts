/**
 * Whatever a tree links to is visited, in it or in one that it builds on: also where a delta cuts through modes, names and ids, and
 * where names and ids look like entries.
 */
import { describe, expect, it } from 'vitest';
import { FOLDER_ENTRY } from '../../../../../src/git/index.ts';
import { KeptOutlines } from '../../../../../src/repository/intake/heights/kept-outlines.ts';
import { KeptTrees, NO_BASE } from '../../../../../src/repository/intake/heights/kept-trees.ts';
import { TreeOutlines } from '../../../../../src/repository/intake/heights/tree-outlines.ts';
import { type DeltaPart, deltaOf } from '../../../../helpers/craft-pack.ts';
import { deltaBetween } from '../../../../helpers/random-delta.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { testSeed } from '../../../../helpers/test-seed.ts';

const seed = testSeed();
const MODES = ['40000', '40000', '40000', '100644', '160000', '040000', '0000040000'];

interface Entry {
  readonly mode: string;
  readonly name: Buffer;
  readonly id: Buffer;
}

interface Tree {
  readonly entries: readonly Entry[];
  readonly bytes: Buffer;
}

const outlineOf = (entries: number) => ({
  ends: new Uint32Array(entries),
  kinds: new Uint8Array(entries),
});

const isFolder = ({ mode }: Entry) => mode.endsWith('40000') && !mode.startsWith('1');

function treeOf(entries: readonly Entry[]): Tree {
  const parts = entries.flatMap(({ mode, name, id }) => [Buffer.from(`${mode} `), name, Buffer.of(0), id]);
  return { entries, bytes: Buffer.concat(parts) };
}

/** Ids, some of which have pieces of entries in them. */
function idsOf(random: SeededRandom, idLength: number): Buffer[] {
  return Array.from({ length: 30 }, () => {
    const id = Buffer.from(random.hex(idLength), 'hex');
    const piece = Buffer.from(random.pick(['40000 a\0', '160000 b\0', '\0', '100644 ', '']), 'latin1');
    piece.copy(id, random.below(idLength));
    return id;
  });
}

/** Names, some of which have ids or pieces of them in them. */
function nameOf(random: SeededRandom, ids: readonly Buffer[]): Buffer {
  const like =
    random.below(3) === 0 ? random.pick(ids).subarray(random.below(12)) : Buffer.from(random.hex(2));
  return Buffer.concat([Buffer.of(97 + random.below(26)), like.filter((byte) => byte !== 0)]);
}

function mutated(random: SeededRandom, { entries }: Tree, ids: readonly Buffer[]): Tree {
  const next = [...entries];
  const fresh = (): Entry => ({ mode: random.pick(MODES), name: nameOf(random, ids), id: random.pick(ids) });
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const at = random.below(next.length);
    const old = next[at] ?? fresh();
    const change = random.below(6);
    if (change < 3) next[at] = { ...old, id: random.pick(ids) };
    else if (change === 3) next.splice(at, random.below(2), fresh());
    else if (change === 4) next[at] = { ...old, mode: random.pick(MODES) };
    else next[at] = { ...old, name: nameOf(random, ids) };
  }
  return treeOf(next);
}

describe(`outlines of trees (seed ${seed})`, () => {
  it.each([20, 32])('contain every folder that a tree links to (ids of %i bytes)', (idLength) => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 100; round++) {
      const ids = idsOf(random, idLength);
      const trees: Tree[] = [];
      /** Ids in hex that were visited in a tree, or in one that it builds on. */
      const heard: Set<string>[] = [];
      const kept = new KeptTrees();
      kept.allow(2 ** 20);
      const visit = (tree: number, kind: number, bytes: Buffer, at: number) => {
        const id = bytes.toString('hex', at, at + idLength);
        heard[tree]?.add(id);
        const entries = trees[tree]?.entries.filter((each) => each.id.toString('hex') === id) ?? [];
        expect(entries.map((each) => isFolder(each))).toContain((kind & FOLDER_ENTRY) !== 0);
      };
      // With little room, most outlines are dropped before a delta builds on their trees.
      const room = new KeptOutlines(random.pick([1, 5, 20, 1_000]));
      const outlines = new TreeOutlines(kept, idLength, visit, undefined, room);
      for (let tree = 0; tree < 40; tree++) {
        const base = tree === 0 || random.below(10) === 0 ? NO_BASE : random.below(tree);
        const from = trees[base] ?? treeOf([]);
        const made = mutated(random, from, ids);
        const entry = base === NO_BASE ? made.bytes : deltaBetween(random, from.bytes, made.bytes);
        trees.push(made);
        heard.push(new Set(heard[base]));
        const room = kept.room(entry.length) ?? -1;
        entry.copy(kept.buffer, room);
        expect(outlines.add(room, entry.length, base)).toBe(true);
        const read = Buffer.alloc(made.bytes.length);
        kept.copy(tree, 0, read.length, read, 0);
        expect(read.equals(made.bytes)).toBe(true);
        const missed = made.entries.filter(
          (each) => isFolder(each) && !heard[tree]?.has(each.id.toString('hex')),
        );
        expect(missed).toEqual([]);
      }
    }
  });

  it('are dropped if there are many, and made again if a delta builds on their trees', () => {
    const kept = new KeptTrees();
    kept.allow(2 ** 20);
    let visited = 0;
    const room = new KeptOutlines(100);
    const outlines = new TreeOutlines(kept, 20, () => visited++, undefined, room);
    const folders = Array.from({ length: 40 }, (_, at) => ({
      mode: '40000',
      name: Buffer.from(`folder-${at}`),
      id: Buffer.alloc(20, at),
    }));
    const { bytes } = treeOf(folders);
    const end = bytes.length;
    const added = treeOf([{ mode: '40000', name: Buffer.from('z'), id: Buffer.alloc(20, 99) }]).bytes;
    const add = (entry: Buffer, base: number) => {
      const at = kept.room(entry.length) ?? -1;
      entry.copy(kept.buffer, at);
      expect(outlines.add(at, entry.length, base)).toBe(true);
    };
    add(bytes, NO_BASE);
    for (let tree = 1; tree < 10; tree++)
      add(
        deltaOf(end + added.length * (tree - 1), [
          { offset: 0, length: end + added.length * (tree - 1) },
          added,
        ]),
        tree - 1,
      );
    // 40 entries, 41 and so on: two have room.
    const has = Array.from({ length: 10 }, (_, tree) => room.of(tree) !== undefined);
    expect(has).toEqual([...Array.from({ length: 8 }, () => false), true, true]);
    expect(visited).toBe(40 + 9);
    add(deltaOf(end + added.length, [{ offset: 0, length: end + added.length }, added]), 1);
    expect(room.of(10)?.ends.length).toBe(42);
    // Only what is new is visited, whatever was made again for it.
    expect(visited).toBe(40 + 10);
  });

  it('are shared, and dropped with the last tree that has them', () => {
    const room = new KeptOutlines(10);
    room.keep(0, outlineOf(6));
    for (let tree = 1; tree < 2_000; tree++) room.share(tree, tree - 1);
    expect(room.of(0)).toBeDefined();
    room.keep(2_000, outlineOf(6));
    expect([0, 1, 1_999, 2_000].map((tree) => room.of(tree) !== undefined)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    // Room for one more of six is there only once nobody has the first.
    room.keep(2_001, outlineOf(4));
    expect(room.of(2_000)).toBeDefined();
  });

  it('are given up if they need too much work', () => {
    const kept = new KeptTrees();
    kept.allow(2 ** 26);
    const outlines = new TreeOutlines(kept, 20, () => undefined);
    const add = (entry: Buffer, base: number) => {
      const room = kept.room(entry.length) ?? -1;
      entry.copy(kept.buffer, room);
      return outlines.add(room, entry.length, base);
    };
    const name = Buffer.alloc(4_000, 'a');
    const { bytes } = treeOf([{ mode: '40000', name, id: Buffer.alloc(20, 1) }]);
    expect(add(bytes, NO_BASE)).toBe(true);
    // Each is put together of single bytes.
    const pieces = deltaOf(
      bytes.length,
      Array.from({ length: bytes.length }, (_, offset) => ({ offset, length: 1 })),
    );
    const added = Array.from({ length: 600 }, (_, at) => add(pieces, at));
    expect(added[0]).toBe(true);
    expect(added.at(-1)).toBe(false);
    expect(add(bytes.subarray(1, -1), NO_BASE)).toBe(false);
  });

  it('take little more memory than the bytes of the pack', () => {
    const kept = new KeptTrees();
    kept.allow(100);
    expect(kept.room(2 ** 20)).toBe(0);
    kept.add(2 ** 20, NO_BASE, 2 ** 20);
    expect(kept.room(100)).toBe(2 ** 20);
    expect(kept.room(101)).toBeUndefined();
  });

  it.each([2 ** 23, 2 ** 25, 2 ** 32 + 50])(
    'cost as much as they are long, however short the delta that makes a name of %i bytes',
    (size) => {
      const kept = new KeptTrees();
      kept.allow(2 ** 22);
      const outlines = new TreeOutlines(kept, 20, () => undefined);
      const letters = 150_000;
      const entry = Buffer.concat([Buffer.from(`1 ${'a'.repeat(letters)}\0`), Buffer.alloc(20, 1)]);
      const end = Buffer.concat([Buffer.from('100644 z\0'), Buffer.alloc(20, 1)]);
      const parts: DeltaPart[] = [];
      let left = size - end.length - 21 - letters;
      for (; left > letters; left -= letters) parts.push({ offset: 2, length: letters });
      // The mode of the first entry has no end.
      parts.push({ offset: 2, length: left }, { offset: 2, length: letters + 21 }, end);
      const add = (bytes: Buffer, base: number) => {
        const at = kept.room(bytes.length) ?? -1;
        bytes.copy(kept.buffer, at);
        return outlines.add(at, bytes.length, base);
      };
      expect(add(entry, NO_BASE)).toBe(true);
      const { steps } = kept;
      const isTree = add(deltaOf(entry.length, parts), 0);
      // It is put together, and looked at.
      expect(isTree).toBe(size < 2 ** 24);
      if (isTree) expect(steps - kept.steps).toBeGreaterThan(1.9 * (size / 64));
    },
  );
});
