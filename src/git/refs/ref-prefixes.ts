import { sortByBytes } from './ref-name.ts';

/** The prefixes none of which begins with another, in byte order: together they match what all of them do. */
export function shortestPrefixes(prefixes: readonly string[]): string[] {
  const shortest: string[] = [];
  for (const prefix of sortByBytes(prefixes)) {
    const last = shortest.at(-1);
    if (last === undefined || !prefix.startsWith(last)) shortest.push(prefix);
  }
  return shortest;
}

/**
 * A function that tells whether a name begins with one of `prefixes`, or is any name when there are none, in as many steps
 * as bisecting them takes: 65,000 prefixes against 100,000 refs must not cost their product. Once prefixes that begin with
 * another one are dropped, the only candidate for a name is the greatest prefix that does not sort behind it, in
 * whichever order; here it is JavaScript's own, which compares fastest.
 */
export function prefixMatcher(prefixes: readonly string[]): (name: string) => boolean {
  if (prefixes.length === 0) return () => true;
  const shortest = shortestPrefixes(prefixes).sort();
  return (name) => {
    let low = 0;
    let high = shortest.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((shortest[middle] ?? '') <= name) low = middle + 1;
      else high = middle;
    }
    const candidate = shortest[low - 1];
    return candidate !== undefined && name.startsWith(candidate);
  };
}
