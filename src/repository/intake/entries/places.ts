import { Yielder } from '../../../lib/cooperative.ts';
import type { PackEntries } from './pack-entries.ts';

/** Heights of so many objects of a pack are remembered: more would push out those of other repositories. */
const REMEMBERED = 5_000;

/** Places of the objects of a type, in order of their ids. */
export async function placesOf({ types }: PackEntries, type: number): Promise<Uint32Array> {
  const pauses = new Yielder();
  const places = new Uint32Array(types.length);
  let count = 0;
  for (let place = 0; place < types.length; place++) {
    if (types[place] === type) places[count++] = place;
    if (pauses.isDueByNow) await pauses.next();
  }
  return places.slice(0, count);
}

/** Places of the objects of a type that come first in the pack: git writes what is newest first, and later pushes build on that. */
export function newestOf({ order, types }: PackEntries, type: number): Uint32Array {
  const newest = new Uint32Array(Math.min(order.length, REMEMBERED));
  let count = 0;
  for (let at = 0; at < order.length && count < newest.length; at++) {
    const place = order[at] ?? 0;
    if (types[place] === type) newest[count++] = place;
  }
  return newest.slice(0, count);
}

/** Where in ascending numbers one of them is. */
export function indexIn(numbers: Uint32Array, number: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
