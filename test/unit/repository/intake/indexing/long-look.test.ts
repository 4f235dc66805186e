/** Packs are looked into by the work that git has had with them, not by how long a busy machine has taken. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../../src/lib/clock.ts';
import { packBounds, timeFor } from '../../../../../src/repository/intake/bounds/pack-bounds.ts';
import { HeightMemory } from '../../../../../src/repository/intake/heights/height-memory.ts';
import { LongLook } from '../../../../../src/repository/intake/indexing/long-look.ts';

const MIB = 2 ** 20;
const limits = { packBytes: 0, objectBytes: MIB, heldBytes: MIB, linkingBytes: MIB };
const bounds = packBounds({ limits, heights: new HeightMemory() }, undefined);

/** A pack of one MiB that git is working on, and whether it was looked into. */
function pack() {
  const seen = { looked: false };
  const read = async () => {
    seen.looked = true;
    return Buffer.alloc(0);
  };
  const look = new LongLook(
    { bounds, clock: systemClock, format: 'sha1' },
    { objects: 1, read },
    () => MIB,
    () => undefined,
  );
  return { look, seen };
}

describe('a pack', () => {
  it('is not inspected because of elapsed time if git has hardly worked', async () => {
    const { look, seen } = pack();
    look.follow(() => 0.01);
    look.begin();
    await nextTurn();
    await look.end();
    expect(seen.looked).toBe(false);
  });

  it('is inspected after git has worked for long', async () => {
    const { look, seen } = pack();
    look.follow(() => 1_000);
    await expect.poll(() => seen.looked, { timeout: 10_000 }).toBe(true);
    await look.end();
  });

  it('is inspected by elapsed time if git’s work is unknown', async () => {
    const { look, seen } = pack();
    look.begin();
    await expect.poll(() => seen.looked, { timeout: 10_000 }).toBe(true);
    await look.end();
  });

  it('gets more time for the number of objects that it can have', () => {
    const { lookAfter } = bounds;
    expect(timeFor(lookAfter, 12 * MIB, 103_506)).toBeGreaterThan(2_100);
    const most = timeFor(lookAfter, MIB, 2 ** 32);
    expect(most).toBeGreaterThan(timeFor(lookAfter, MIB, 1_000));
    expect(most).toBeLessThan(1_500);
  });
});
