import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { applyDelta, deltaResultSize } from '../../../../src/git/index.ts';
import {
  type TranslatedTree,
  type Translation,
  translateDelta,
  translateTree,
  type WriteNewId,
} from '../../../../src/mirror/convert/tree-translation.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

interface Entry {
  readonly mode: string;
  readonly name: string;
  readonly id: Buffer;
}

const newIdOf = (id: Buffer) => createHash('sha256').update(id).digest();

const writeNewId: WriteNewId = (bytes, at, target, targetAt) => {
  newIdOf(bytes.subarray(at, at + 20)).copy(target, targetAt);
  return true;
};

function encode(entries: readonly Entry[], idOf: (id: Buffer) => Buffer = (id) => id): Buffer {
  const parts = entries.map(({ mode, name, id }) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), idOf(id)]),
  );
  return Buffer.concat(parts);
}

function completed(translation: Translation): TranslatedTree {
  expect(translation.complete(writeNewId)).toBe(true);
  return translation.tree;
}

/** Modes as git writes them, and as old programs did. */
const MODES = ['100644', '100755', '120000', '40000', '040000', '100664'];

function randomEntry(random: SeededRandom): Entry {
  // Names that look like modes, so that copies of a delta begin and end anywhere.
  const name = `${random.pick(['f', '160000 ', '0644 x', 'ü'])}${random.hex(1 + random.below(6))}`;
  return { mode: random.pick(MODES), name, id: Buffer.from(random.hex(20), 'hex') };
}

function edited(random: SeededRandom, entries: readonly Entry[]): Entry[] {
  const next = [...entries];
  for (let count = random.below(4); count > 0; count--) {
    const at = random.below(next.length + 1);
    const old = next[at];
    const chance = random.fraction();
    if (chance < 0.3) next.splice(at, 1);
    else if (chance < 0.7 && old !== undefined) next[at] = { ...old, id: Buffer.from(random.hex(20), 'hex') };
    else next.splice(at, 0, randomEntry(random));
  }
  return next;
}

/** A delta whose copies begin and end anywhere, also within modes, names and ids. */
function randomDelta(random: SeededRandom, base: Buffer, result: Buffer): Buffer {
  const parts = [varint(base.length), varint(result.length)];
  for (let at = 0; at < result.length; ) {
    const least = 1 + random.below(30);
    const found = base.indexOf(result.subarray(at, at + least));
    if (found === -1 || random.fraction() < 0.1) {
      const length = Math.min(1 + random.below(20), result.length - at);
      parts.push(Buffer.from([length]), result.subarray(at, at + length));
      at += length;
      continue;
    }
    let length = 0;
    while (found + length < base.length && base[found + length] === result[at + length]) length++;
    if (random.fraction() < 0.3) length = 1 + random.below(length);
    length = Math.min(length, 0xffff);
    const op = Buffer.from([0x80 | 15 | 48, 0, 0, 0, 0, length & 255, length >> 8]);
    op.writeUInt32LE(found, 1);
    parts.push(op);
    at += length;
  }
  return Buffer.concat(parts);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

function applied(base: Buffer, delta: Buffer): Buffer {
  const size = deltaResultSize(delta);
  const both = Buffer.concat([base, Buffer.alloc(size)]);
  applyDelta(both, 0, base.length, delta, delta.length);
  return both.subarray(base.length);
}

describe('a tree', () => {
  it.each([1, 2, 3])('is translated equally as a delta and as a whole (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    let entries = Array.from({ length: random.below(60) }, () => randomEntry(random));
    let base = completed(translateTree(encode(entries)));
    expect(base.fresh.equals(encode(entries, newIdOf))).toBe(true);
    for (let step = 0; step < 150; step++) {
      entries = edited(random, entries);
      const old = encode(entries);
      const translation = translateDelta(base, randomDelta(random, base.old, old));
      const tree = completed(translation);
      expect(tree.old.equals(old)).toBe(true);
      expect(tree.fresh.equals(encode(entries, newIdOf))).toBe(true);
      expect([...tree.starts]).toEqual([...completed(translateTree(old)).starts]);
      const delta = translation.delta();
      if (delta === undefined) throw new Error('there is a delta');
      expect(applied(base.fresh, delta).equals(tree.fresh)).toBe(true);
      base = tree;
    }
  });

  it('waits for unknown ids, and asks again for those only', () => {
    const entries = Array.from({ length: 5 }, (_, at) => ({
      mode: '40000',
      name: `folder-${at}`,
      id: Buffer.alloc(20, at),
    }));
    const translation = translateTree(encode(entries));
    const asked: number[] = [];
    const known = new Set([0, 1, 4]);
    const write: WriteNewId = (bytes, at, target, targetAt) => {
      const first = bytes[at] ?? 0;
      asked.push(first);
      return known.has(first) && writeNewId(bytes, at, target, targetAt);
    };
    expect(translation.complete(write)).toBe(false);
    known.add(2).add(3);
    expect(translation.complete(write)).toBe(true);
    expect(asked).toEqual([0, 1, 2, 3, 4, 2, 3]);
    expect(translation.tree.fresh.equals(encode(entries, newIdOf))).toBe(true);
  });

  it('without entries stays empty', () => {
    expect(completed(translateTree(Buffer.alloc(0))).fresh).toHaveLength(0);
  });

  it.each([
    ['no mode', Buffer.concat([Buffer.from('name\0'), Buffer.alloc(20)])],
    ['half an id', Buffer.concat([Buffer.from('100644 name\0'), Buffer.alloc(19)])],
    ['no name', Buffer.from('100644 ')],
  ])('with %s is malformed', (_, tree) => {
    expect(() => translateTree(tree)).toThrow('it is not a tree');
  });

  it.each([
    ['another base', Buffer.from([1, 1, 1, 65])],
    ['an instruction that copies too much', Buffer.from([32, 40, 0x90, 40])],
    ['an instruction of no kind', Buffer.from([32, 1, 0])],
    ['a result that is too short', Buffer.from([32, 5, 1, 65])],
  ])('that is a delta of %s is damaged', (_, delta) => {
    const base = completed(translateTree(Buffer.concat([Buffer.from('100644 name\0'), Buffer.alloc(20)])));
    expect(() => translateDelta(base, delta)).toThrow('its delta cannot be applied');
  });
});
