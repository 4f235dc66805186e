/** Version numbers in the order in which people count them. */

/** Endings of what comes before a release of the same number. */
const BEFORE_RELEASE = /^[-._~+]?(?:alpha|beta|dev|pre|preview|rc|a(?=\d)|b(?=\d))/i;

type Part = number | string;

/** A name taken apart, to be compared many times. */
export interface VersionKey {
  readonly name: string;
  readonly parts: readonly Part[];
}

/** Characters of a name that count. */
const LONGEST = 256;

/** Takes a name apart. */
export function versionKey(name: string): VersionKey {
  const parts = name.slice(0, LONGEST).match(/\d+|\D+/g) ?? [];
  return { name, parts: parts.map((part) => (/^\d/.test(part) ? Number(part) : part)) };
}

/**
 * Compares two names as versions: runs of digits by their value, `v1.0-rc1` before `v1.0`, that before `v1.0.1`, everything
 * else by code units.
 * @returns negative if `a` comes first
 */
export function compareVersions(a: VersionKey, b: VersionKey): number {
  const length = Math.max(a.parts.length, b.parts.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.parts[at], b.parts[at]];
    if (left === right) continue;
    const order = compareParts(left, right);
    if (order !== 0) return order;
  }
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

function compareParts(left: Part | undefined, right: Part | undefined): number {
  // What ends here is the release itself, unless what goes on comes before it.
  if (left === undefined) return isBeforeRelease(right) ? 1 : -1;
  if (right === undefined) return isBeforeRelease(left) ? -1 : 1;
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const [early, late] = [isBeforeRelease(left), isBeforeRelease(right)];
  if (early !== late) return early ? -1 : 1;
  if (typeof left !== typeof right) return typeof left === 'number' ? 1 : -1;
  return left < right ? -1 : 1;
}

function isBeforeRelease(part: Part | undefined): boolean {
  return typeof part === 'string' && BEFORE_RELEASE.test(part);
}
