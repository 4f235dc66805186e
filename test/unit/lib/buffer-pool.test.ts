import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../src/lib/buffer-pool.ts';

describe('a pool of buffers', () => {
  it('gives a buffer to one user at a time, and again when it was given back', () => {
    const pool = new BufferPool({ size: 100, most: 2 });
    const [one, other] = [pool.take(), pool.take()];
    expect(other).not.toBe(one);
    expect([one.length, other.length]).toEqual([100, 100]);
    pool.give(one);
    expect(pool.take()).toBe(one);
    expect(pool.take()).not.toBe(other);
  });

  it('keeps no more than it is told to', () => {
    const pool = new BufferPool({ size: 10, most: 2 });
    const taken = [pool.take(), pool.take(), pool.take()];
    for (const buffer of taken) pool.give(buffer);
    expect(pool.idle).toBe(2);
  });
});
