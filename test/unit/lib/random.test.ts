import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../src/lib/random.ts';

describe('random bytes', () => {
  it.each([1, 6, 8, 16, 17, 32])('are %i bytes in hex, and differ each time', (count) => {
    // Enough to draw from the system several times.
    const draws = Array.from({ length: 2_000 }, () => systemRandom.hex(count));

    expect(draws.every((draw) => /^[0-9a-f]+$/.test(draw) && draw.length === 2 * count)).toBe(true);
    if (count >= 6) expect(new Set(draws).size).toBe(draws.length);
  });
});
