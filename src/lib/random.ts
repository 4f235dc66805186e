import { randomBytes } from 'node:crypto';

/** Chance as an argument: the only dice are here, so that tests can load them. */
export interface Dice {
  /** `count` random bytes in lower-case hex (two characters a byte). */
  hex(count: number): string;
  /** A number in [0, 1). */
  fraction(): number;
}

export const systemDice: Dice = {
  hex: (count) => randomBytes(count).toString('hex'),
  fraction: () => Math.random(),
};
