import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SortedIds } from '../../../src/lib/sorted-ids.ts';

/** Ids in order, no two equal. */
function someIds(count: number, make: () => Buffer): Buffer[] {
  const ids = new Map(Array.from({ length: count }, () => make()).map((id) => [id.toString('hex'), id]));
  return [...ids.values()].sort(Buffer.compare);
}

const alike = Buffer.alloc(16, 7);

describe('sorted ids', () => {
  it.each([
    ['none', 0, 20, () => randomBytes(20)],
    ['a few', 5, 20, () => randomBytes(20)],
    ['many', 10_000, 20, () => randomBytes(20)],
    ['many longer ones', 10_000, 32, () => randomBytes(32)],
    ['many that begin alike', 5_000, 20, () => Buffer.concat([alike, randomBytes(4)])],
    ['some that end alike', 300, 20, () => Buffer.concat([randomBytes(4), alike])],
  ])('find their members, %s, and no others', (_name, count, length, make) => {
    const ids = someIds(count, make);
    const sorted = new SortedIds(Buffer.concat(ids), length);
    expect(sorted.count).toBe(ids.length);
    for (const [place, id] of ids.entries()) {
      expect(sorted.indexOf(id)).toBe(place);
      expect(sorted.indexOf(Buffer.concat([Buffer.alloc(3), id]), 3)).toBe(place);
      expect(sorted.at(place).equals(id)).toBe(true);
      const other = Buffer.from(id);
      other[length - 1] = (other[length - 1] ?? 0) ^ 1;
      const isThere = ids.some((known) => known.equals(other));
      if (!isThere) expect(sorted.indexOf(other)).toBe(-1);
      if (place > 200) break;
    }
    expect(sorted.indexOf(Buffer.alloc(length, 0))).toBe(-1);
    expect(sorted.indexOf(Buffer.alloc(length, 255))).toBe(-1);
  });
});
