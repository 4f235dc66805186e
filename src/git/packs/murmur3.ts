const [ONE, TWO] = [0xcc9e_2d51, 0x1b87_3593];

/**
 * The hash MurmurHash3, 32 bits of it, which git's filters of changed paths use. It does not resist attempts to find collisions.
 * @param seed 32 bits
 */
export function murmur3(seed: number, data: Uint8Array): number {
  let hash = seed;
  const whole = data.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    hash ^= scrambled(wordAt(data, at));
    hash = Math.imul(rotated(hash, 13), 5) + 0xe654_6b64;
  }
  if (whole < data.length) hash ^= scrambled(wordAt(data, whole));
  hash ^= data.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scrambled(word: number): number {
  return Math.imul(rotated(Math.imul(word, ONE), 15), TWO);
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/** Four bytes, the lowest first; what is behind the end is 0. */
function wordAt(data: Uint8Array, at: number): number {
  return (
    (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16) | ((data[at + 3] ?? 0) << 24)
  );
}
