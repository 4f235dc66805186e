const MODULUS = 65_521;
/** So many bytes can be added up before the sums pass 32 bits. */
const STRETCH = 5_552;

/** The Adler-32 checksum of a part of a buffer (RFC 1950, section 9). */
export function adler32(bytes: Uint8Array, from: number, length: number): number {
  let low = 1;
  let high = 0;
  for (let at = from, end = from + length; at < end; ) {
    for (const stop = Math.min(end, at + STRETCH); at < stop; at++) {
      low += bytes[at] ?? 0;
      high += low;
    }
    low %= MODULUS;
    high %= MODULUS;
  }
  return high * 0x1_0000 + low;
}
