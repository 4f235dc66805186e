import { randomBytes } from 'node:crypto';

/** Random numbers as an argument: they are made only here, so that tests can repeat them. */
export interface Random {
  /** `count` random bytes as lower-case hex, two characters for each. */
  hex(count: number): string;
  /** A number in [0, 1). */
  fraction(): number;
}

/** Bytes drawn from the system at once, since each draw costs a call of it. */
const POOL_BYTES = 2_048;

/** Longest draw from the pool. Longer ones may become secrets, which are not to lie in a pool. */
const LONGEST_POOLED = 16;

let pool = Buffer.alloc(0);

function pooledHex(count: number): string {
  if (pool.length < count) pool = randomBytes(POOL_BYTES);
  const text = pool.toString('hex', 0, count);
  pool = pool.subarray(count);
  return text;
}

export const systemRandom: Random = {
  hex: (count) => (count <= LONGEST_POOLED ? pooledHex(count) : randomBytes(count).toString('hex')),
  fraction: () => Math.random(),
};
