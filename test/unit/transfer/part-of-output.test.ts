import { describe, expect, it } from 'vitest';
import { atMost, withoutFirst } from '../../../src/transfer/part-of-output.ts';

describe('a part of written bytes', () => {
  it('is passed on alone for any division of the bytes, and then reading stops', async () => {
    for (let start = 0; start <= 9; start++) {
      for (let length = 1; start + length <= 10; length++) {
        for (const size of [1, 3, 10]) {
          const passed: number[] = [];
          const whole = { write: async (chunk: Uint8Array) => passed.push(...chunk) > 0 };
          const part = withoutFirst(atMost(whole, length), start);
          let at = 0;
          while (
            at < 10 &&
            (await part.write(Uint8Array.from({ length: Math.min(size, 10 - at) }, (_, i) => at + i)))
          )
            at += size;
          expect(passed).toEqual(Array.from({ length }, (_, i) => start + i));
          expect(at).toBeLessThan(start + length);
        }
      }
    }
  });
});
