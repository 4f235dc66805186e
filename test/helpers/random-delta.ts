import { type DeltaPart, deltaOf } from './craft-pack.ts';
import type { SeededRandom } from './seeded-random.ts';

/** A delta that takes whatever is the same anywhere in the base, cut anywhere. */
export function deltaBetween(random: SeededRandom, base: Buffer, target: Buffer): Buffer {
  const parts: DeltaPart[] = [];
  const inPlace = random.below(2) === 0;
  for (let at = 0; at < target.length; ) {
    const found =
      inPlace && base[at] === target[at] ? at : base.indexOf(target.subarray(at, at + 1 + random.below(4)));
    const start = found === -1 ? 0 : found;
    let same = 0;
    while (
      start + same < base.length &&
      at + same < target.length &&
      base[start + same] === target[at + same]
    )
      same++;
    if (found !== -1 && same > 0 && random.below(8) > 0) {
      const length = random.below(3) === 0 ? 1 + random.below(same) : same;
      parts.push({ offset: start, length });
      at += length;
    } else {
      const length = Math.min(random.pick([1, 2, 19, 20, 20, 40]), target.length - at);
      parts.push(target.subarray(at, at + length));
      at += length;
    }
  }
  return deltaOf(base.length, parts);
}
