/** The hash function of a repository's object ids, named as in git's `object-format=`. */
export type ObjectFormat = 'sha1' | 'sha256';

const hexLengths: Readonly<Record<ObjectFormat, number>> = { sha1: 40, sha256: 64 };
const patterns: Readonly<Record<ObjectFormat, RegExp>> = { sha1: /^[0-9a-f]{40}$/, sha256: /^[0-9a-f]{64}$/ };
const zeros: Readonly<Record<ObjectFormat, string>> = { sha1: '0'.repeat(40), sha256: '0'.repeat(64) };

/** The number of hex digits of an object id of `format`. */
export function hexLength(format: ObjectFormat): number {
  return hexLengths[format];
}

/** True if `text` is an object id of `format` as Cairn writes it: lower-case hex of exactly the right length. */
export function isObjectId(text: string, format: ObjectFormat): boolean {
  return patterns[format].test(text);
}

/**
 * Reads an object id that a peer sent. Returns it in lower case, or undefined if it is not an object id.
 * Both sides must treat ids as case-insensitive (gitprotocol-pack), so upper case is read and never written.
 */
export function readObjectId(text: string, format: ObjectFormat): string | undefined {
  if (isObjectId(text, format)) return text;
  const lower = text.toLowerCase();
  return isObjectId(lower, format) ? lower : undefined;
}

/** The id of `format` that means "no object" in commands and advertisements. */
export function zeroId(format: ObjectFormat): string {
  return zeros[format];
}

/** True when `oid` is the zero id of either format. */
export function isZeroId(oid: string): boolean {
  return oid === zeros.sha1 || oid === zeros.sha256;
}
