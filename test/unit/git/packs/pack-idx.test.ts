import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ObjectFormat } from '../../../../src/git/object-id.ts';
import { PackIdx, type ReadAt } from '../../../../src/git/packs/pack-idx.ts';
import { RealRepository } from '../real-git.ts';

const stack: RealRepository[] = [];

afterAll(() => {
  for (const repository of stack) repository[Symbol.dispose]();
});

/** An idx in memory, and how often it was read. */
function counting(bytes: Buffer): { readonly read: ReadAt; reads: number } {
  const counted = {
    reads: 0,
    read: async (position: number, length: number) => {
      counted.reads++;
      if (position + length > bytes.length) throw new Error('beyond the end');
      return bytes.subarray(position, position + length);
    },
  };
  return counted;
}

/** A repository with many objects in one pack: its idx, and what git says is in it. */
function packed(format: ObjectFormat, blobs: number) {
  const repository = new RealRepository(format);
  stack.push(repository);
  const stream = Array.from({ length: blobs }, (_, at) => {
    const content = `content of blob ${at}\n`;
    return `blob\ndata ${content.length}\n${content}\n`;
  });
  repository.git(['fast-import', '--quiet'], { input: stream.join('') });
  const listing = repository.git([
    'cat-file',
    '--batch-all-objects',
    '--batch-check=%(objectname)',
    '--unordered',
  ]);
  repository.git(['pack-objects', '--quiet', join(repository.path, 'packed')], { input: listing });
  const file = readdirSync(repository.path).find((name) => name.endsWith('.idx')) ?? '';
  const bytes = readFileSync(join(repository.path, file));
  const shown = repository.git(['show-index', `--object-format=${format}`], { input: bytes });
  const entries = shown
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [offset = '', id = ''] = line.split(' ');
      return { offset: Number(offset), id };
    });
  return { bytes, entries };
}

async function idsOf(idx: PackIdx, begin?: (offset: number) => boolean): Promise<string[]> {
  const ids: string[] = [];
  for await (const block of idx.ids(begin)) {
    for (let at = 0; at < block.length; at += idx.idLength) {
      ids.push(block.toString('hex', at, at + idx.idLength));
    }
  }
  return ids;
}

describe.each([
  ['sha1', 3],
  ['sha1', 16_500],
  ['sha256', 1_000],
] as const)('an idx of %s with %i objects', (format, blobs) => {
  const { bytes, entries } = packed(format, blobs);
  const open = () => PackIdx.open(counting(bytes).read, format);

  it('lists the entries that git lists', async () => {
    const idx = await open();
    expect(idx.objects).toBe(entries.length);
    expect(await idsOf(idx)).toEqual(entries.map(({ id }) => id));
  });

  it('lists only entries at wanted offsets', async () => {
    const middle = entries.map(({ offset }) => offset).sort((a, b) => a - b)[Math.floor(blobs / 2)] ?? 0;
    const first = entries.filter(({ offset }) => offset < middle).map(({ id }) => id);
    const idx = await open();
    expect(await idsOf(idx, (offset) => offset < middle)).toEqual(first);
    expect(await idx.splitAt(middle)).toMatchObject({ before: first.length });
    expect(await idx.splitAt(0)).toEqual({ before: 0, begins: false });
    expect(await idx.splitAt(12)).toEqual({ before: 0, begins: true });
    expect(await idx.splitAt(13)).toEqual({ before: 1, begins: false });
  });

  it('finds each of its ids, in any order, and no other', async () => {
    const idx = await open();
    const asked = blobs > 5_000 ? entries.filter((_, at) => at % 7 === 0) : entries;
    for (const { id } of [...asked, ...asked.toReversed()]) {
      const raw = Buffer.from(id, 'hex');
      expect(await idx.has(raw)).toBe(true);
      for (const last of [0x00, 0x7f, 0xff]) {
        const other = Buffer.from(raw);
        other[other.length - 1] = last;
        expect(await idx.has(other)).toBe(entries.length > 0 && other.equals(raw));
      }
    }
    for (const byte of [0x00, 0x55, 0xff]) {
      expect(await idx.has(Buffer.alloc(idx.idLength, byte))).toBe(false);
    }
  });

  it('answers ordered questions with few reads', async () => {
    const counted = counting(bytes);
    const idx = await PackIdx.open(counted.read, format);
    counted.reads = 0;
    for (const { id } of entries) await idx.has(Buffer.from(id, 'hex'));
    expect(counted.reads).toBeLessThanOrEqual(Math.min(entries.length, 256 + entries.length / 32));
  });
});

describe('an idx', () => {
  it('of a pack above 2 GiB keeps its offsets in a third table', async () => {
    const { bytes, entries } = packed('sha1', 5);
    const count = entries.length;
    const table = 8 + 1024 + count * 24;
    const large = Buffer.alloc(16);
    large.writeBigUInt64BE(2n ** 31n + 5n, 0);
    large.writeBigUInt64BE(2n ** 40n, 8);
    const changed = Buffer.concat([bytes.subarray(0, table + 4 * count), large, bytes.subarray(-40)]);
    changed.writeUInt32BE(0x8000_0001, table);
    changed.writeUInt32BE(0x8000_0000, table + 4);
    const idx = await PackIdx.open(counting(changed).read, 'sha1');
    const [first, second] = entries.map(({ id }) => id);
    expect(await idsOf(idx, (offset) => offset === 2 ** 40)).toEqual([first]);
    expect(await idsOf(idx, (offset) => offset === 2 ** 31 + 5)).toEqual([second]);
    expect(await idx.splitAt(2 ** 40)).toMatchObject({ before: count - 1 });
  });

  it('of another version, or another type of file, is refused', async () => {
    const open = PackIdx.open(counting(Buffer.alloc(2_000)).read, 'sha1');
    await expect(open).rejects.toMatchObject({ kind: 'corrupt' });
  });
});
