import type { Random } from '../lib/random.ts';

/** The order of secp256k1: a secret key is a number from 1 to one less. */
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const HEX = /^[0-9a-f]{64}$/;

/** True for a valid secret key in 64 lower-case hex characters. */
export function isSecretKey(text: string): boolean {
  if (!HEX.test(text)) return false;
  const number = BigInt(`0x${text}`);
  return number > 0n && number < CURVE_ORDER;
}

/** A new random secret key, in 64 lower-case hex characters. */
export function newSecretKey(random: Random): string {
  for (;;) {
    const candidate = random.hex(32);
    if (isSecretKey(candidate)) return candidate;
  }
}
