import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SortedIds } from '../../../src/lib/sorted-ids.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';
import { turnsDuring } from '../../helpers/turns-during.ts';

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

  it('have twins if two of them are the same, wherever these are', async () => {
    const seed = testSeed();
    const random = new SeededRandom(seed);
    for (let time = 0; time < 40; time++) {
      const length = random.pick([20, 32]);
      const tail = () => Buffer.from(random.hex(length - 4), 'hex');
      // Where their first bytes are the same, the others tell.
      const isAlike = random.below(2) === 0;
      const head = () => (isAlike ? Buffer.alloc(4, 7) : Buffer.from(random.hex(4), 'hex'));
      const make = () => Buffer.concat([head(), tail()]);
      const ids = someIds(random.pick([0, 1, 2, 3, 100, 4_095, 4_096, 4_097, 9_000]), make);
      const where = `seed ${seed}, ${ids.length} ids`;
      expect(await new SortedIds(Buffer.concat(ids), length).hasTwins(), where).toBe(false);
      if (ids.length === 0) continue;
      const twin = Math.min(ids.length - 1, random.pick([0, 4_094, 4_095, 4_096, random.below(ids.length)]));
      const more = new SortedIds(Buffer.concat(ids.toSpliced(twin, 0, ids[twin] ?? tail())), length);
      expect(await more.hasTwins(), `${where}, twin ${twin}`).toBe(true);
      expect(more.indexOf(ids.at(-1) ?? tail())).toBeGreaterThanOrEqual(ids.length - 1);
    }
  });

  it('are written as lines of hex digits', async () => {
    for (const length of [20, 32]) {
      const ids = someIds(5_000, () => randomBytes(length));
      const sorted = new SortedIds(Buffer.concat(ids), length);
      const places = ids.flatMap((_id, place) => (place % 3 === 1 ? [] : [place])).reverse();
      const lines = places.map((place) => `${ids[place]?.toString('hex')}\n`).join('');
      expect((await sorted.hexLines(places)).toString()).toBe(lines);
      expect((await sorted.hexLines([])).length).toBe(0);
    }
  });
});

describe('work over many ids', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([
    ['the table of searches', (ids: SortedIds) => ids.prepare()],
    ['the search for twins', (ids: SortedIds) => ids.prepare().then(() => ids.hasTwins())],
    ['lines', (ids: SortedIds) => ids.hexLines(Array.from({ length: ids.count }, (_, place) => place))],
  ])('lets others in: %s', async (name, work) => {
    // Whenever somebody looks, a slice of time is over.
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 100;
      return now;
    });
    const count = 40_960;
    const bytes = Buffer.alloc(count * 20);
    for (let at = 0; at < count; at++) bytes.writeUInt32BE(at, at * 20);
    const turns = await turnsDuring(work(new SortedIds(bytes, 20)));
    expect(turns).toBeGreaterThanOrEqual(name === 'the search for twins' ? 20 : 10);
  });
});
