import { describe, expect, it } from 'vitest';
import { FairSlots } from '../../../src/lib/fair-slots.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const seed = testSeed();

/** Who holds a slot, and is told to give it up. */
class Holder {
  readonly key: string;
  readonly stalled: number | undefined;
  evicted = false;
  leave: () => void = () => undefined;

  constructor(key: string, stalled: number | undefined) {
    this.key = key;
    this.stalled = stalled;
  }

  stalledFor(): number | undefined {
    return this.stalled;
  }

  evict(): void {
    this.evicted = true;
  }
}

describe('slots shared out by network address (issue 11, point 9)', () => {
  it(`are never more than the total, and a key with few takes one from the key with most (seed ${seed})`, () => {
    const random = new SeededRandom(seed);
    for (let world = 0; world < 10; world++) {
      const [all, perKey] = [1 + random.below(12), 1 + random.below(8)];
      const slots = new FairSlots(all, perKey);
      let holders: Holder[] = [];
      const of = (key: string) => holders.filter((holder) => holder.key === key);
      for (let step = 0; step < 200; step++) {
        if (random.below(3) === 0 && holders.length > 0) {
          const gone = random.pick(holders);
          // Twice, as callers may.
          gone.leave();
          gone.leave();
          holders = holders.filter((holder) => holder !== gone);
        } else {
          const key = `address ${random.below(5)}`;
          const holder = new Holder(key, random.below(3) === 0 ? undefined : random.below(1_000));
          const most = Math.max(0, ...holders.map((other) => of(other.key).length));
          const before = [...holders];
          const mine = of(key).length;
          const entry = slots.enter(key, holder);
          const evicted = before.filter((other) => other.evicted);
          holders = before.filter((other) => !other.evicted);
          if ('leave' in entry) {
            holder.leave = entry.leave;
            holders.push(holder);
            expect(mine).toBeLessThan(perKey);
            expect(evicted.length).toBe(before.length === all ? 1 : 0);
            for (const victim of evicted) {
              const its = before.filter((other) => other.key === victim.key);
              expect(its.length).toBe(most);
              expect(its.length).toBeGreaterThan(mine + 1);
              expect(victim.stalled).toBe(Math.max(...its.flatMap(({ stalled }) => stalled ?? [])));
            }
          } else {
            expect(evicted).toEqual([]);
            if (entry.refused === 'key') expect(mine).toBe(perKey);
            else expect(before.length).toBe(all);
          }
        }
        expect(slots.size).toBe(holders.length);
        expect(holders.length).toBeLessThanOrEqual(all);
        for (let key = 0; key < 5; key++) {
          expect(slots.sizeOf(`address ${key}`)).toBe(of(`address ${key}`).length);
          expect(of(`address ${key}`).length).toBeLessThanOrEqual(perKey);
        }
      }
    }
  });

  it('of a busy holder are not taken away', () => {
    const slots = new FairSlots(2, 2);
    for (let at = 0; at < 2; at++) slots.enter('many', new Holder('many', undefined));
    expect(slots.enter('few', new Holder('few', 0))).toEqual({ refused: 'all' });
  });
});
