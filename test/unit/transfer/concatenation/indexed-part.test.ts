import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../src/lib/digest.ts';
import {
  canBeConcatenated,
  type IndexedPart,
  whichAreListed,
} from '../../../../src/transfer/concatenation/indexed-part.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

let folder: TempDir;
let made = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-idx');
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const idOf = (name: string) => sha256(name).slice(0, 40);

/** An idx, version 2, of entries that begin every hundred bytes, in the order given. */
function idxOf(names: readonly string[]): Buffer {
  const entries = names
    .map((name, at) => ({ id: Buffer.from(idOf(name), 'hex'), offset: 12 + 100 * at }))
    .sort((a, b) => a.id.compare(b.id));
  const numbers = (values: readonly number[]) => {
    const bytes = Buffer.alloc(4 * values.length);
    for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
    return bytes;
  };
  const upTo = (byte: number) => entries.filter(({ id }) => (id[0] ?? 0) <= byte).length;
  return Buffer.concat([
    Buffer.from('ff744f6300000002', 'hex'),
    numbers(Array.from({ length: 256 }, (_, byte) => upTo(byte))),
    ...entries.map(({ id }) => id),
    numbers(entries.map(() => 0)),
    numbers(entries.map(({ offset }) => offset)),
    Buffer.alloc(40),
  ]);
}

/** A pack of some objects of its own, completed with others it leans on. */
async function pack(own: readonly string[], bases: readonly string[] = []): Promise<IndexedPart> {
  const idxPath = join(folder.path, `${made++}.idx`);
  await writeFile(idxPath, idxOf([...own, ...bases]));
  const ref = { digest: sha256(idxPath), size: 1 };
  return { pack: ref, objects: own.length, end: 12 + 100 * own.length, idxPath };
}

const joined = async (...parts: Promise<IndexedPart>[]) =>
  canBeConcatenated(await Promise.all(parts), 'sha1');
const many = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

describe('packs can be concatenated', () => {
  it('if they have no object in common', async () => {
    expect(await joined(pack(['a']))).toBe(true);
    expect(await joined(pack(many('a', 3_000)), pack(many('b', 200)), pack(['c']))).toBe(true);
  });

  it('if any number of them depend on one another in one direction', async () => {
    expect(await joined(pack(['a', 'b']), pack(['c'], ['a']), pack(['d', 'e'], ['c', 'b']))).toBe(true);
    expect(await joined(pack(['d', 'e'], ['c', 'b']), pack(['c'], ['a']), pack(['a', 'b']))).toBe(true);
  });
});

describe('packs cannot be concatenated', () => {
  it('if an object is in two of them', async () => {
    expect(await joined(pack(['a', 'b']), pack(['b']))).toBe(false);
    expect(await joined(pack(many('a', 3_000)), pack([...many('b', 200), 'a2999']))).toBe(false);
    expect(await joined(pack(['a']), pack(['b', 'c']), pack(['d', 'b'], ['a']))).toBe(false);
  });

  it('if none of them has the base of one', async () => {
    expect(await joined(pack(['a']), pack(['b'], ['gone']))).toBe(false);
    // Another one only leans on it, too: it would be left out of both.
    expect(await joined(pack(['a'], ['gone']), pack(['b'], ['gone']))).toBe(false);
  });

  it('if they depend on one another in a circle', async () => {
    expect(await joined(pack(['a'], ['b']), pack(['b'], ['a']))).toBe(false);
    expect(await joined(pack(['x']), pack(['a'], ['b']), pack(['b'], ['c']), pack(['c'], ['a']))).toBe(false);
    expect(await joined(pack(['a', 'b'], ['b']))).toBe(false);
  });
});

describe('packs are compared', () => {
  const verdict = async (known: number, ...parts: Promise<IndexedPart>[]) =>
    canBeConcatenated(await Promise.all(parts), 'sha1', known);

  it('with those that are known to be compatible, and these not with each other', async () => {
    const same = [pack(['a', 'b']), pack(['b'])] as const;
    expect(await verdict(2, ...same, pack(['c']))).toBe(true);
    expect(await verdict(1, ...same, pack(['c']))).toBe(false);
    expect(await verdict(2, ...same, pack(['a']))).toBe(false);
    expect(await verdict(2, pack(['a']), pack(many('b', 300)), pack(['c', 'b299']))).toBe(false);
    expect(await verdict(1, pack(['a']), pack(['c']), pack(['c']))).toBe(false);
  });

  it('by the bases of the new ones', async () => {
    expect(await verdict(2, pack(['a']), pack(['b'], ['a']), pack(['c'], ['b']))).toBe(true);
    expect(await verdict(2, pack(['a']), pack(['b'], ['a']), pack(['c'], ['gone']))).toBe(false);
    expect(await verdict(1, pack(['a']), pack(['b'], ['c']), pack(['c'], ['b']))).toBe(false);
  });
});

describe('a pack compared with a list of objects', () => {
  const listed = async (names: readonly string[], ...parts: Promise<IndexedPart>[]) =>
    whichAreListed(await Promise.all(parts), new Set(names.map(idOf)), 'sha1');

  it('has only listed ones, or none of them', async () => {
    const parts = [pack(['a']), pack(['b', 'c'], ['base']), pack(['x'], ['y'])] as const;
    expect(await listed(['a', 'b', 'c', 'd'], ...parts)).toEqual([true, true, false]);
    expect(await listed([], ...parts)).toEqual([false, false, false]);
    expect(await listed(['a'], pack([]))).toEqual([false]);
  });

  it('gives no result if it has other objects, too, or was completed with listed ones', async () => {
    expect(await listed(['a', 'b'], pack(['a']), pack(['b', 'c']))).toBeUndefined();
    expect(await listed(['base'], pack(['b', 'c'], ['base']))).toBeUndefined();
    expect(await listed(['b', 'base'], pack(['b'], ['base']))).toEqual([true]);
  });
});
