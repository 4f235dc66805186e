import { randomBytes } from 'node:crypto';

/** Chance as an argument: the only random numbers are made here, so that tests can repeat them. */
export interface Random {
  /** `count` random bytes in lower-case hex (two characters a byte). */
  hex(count: number): string;
  /** A number in [0, 1). */
  fraction(): number;
}

export const systemRandom: Random = {
  hex: (count) => randomBytes(count).toString('hex'),
  fraction: () => Math.random(),
};
