/** The hash a repository's object ids are made with; the names git uses in `object-format=`. */
export type ObjectFormat = 'sha1' | 'sha256';

const hexLengths: Readonly<Record<ObjectFormat, number>> = { sha1: 40, sha256: 64 };
const patterns: Readonly<Record<ObjectFormat, RegExp>> = { sha1: /^[0-9a-f]{40}$/, sha256: /^[0-9a-f]{64}$/ };
const zeros: Readonly<Record<ObjectFormat, string>> = { sha1: '0'.repeat(40), sha256: '0'.repeat(64) };

/** How many hex characters an object id of `format` has. */
export function hexLength(format: ObjectFormat): number {
  return hexLengths[format];
}

/** True when `text` is an object id of `format` as Cairn writes it: lower-case hex of exactly the right length. */
export function isObjectId(text: string, format: ObjectFormat): boolean {
  return patterns[format].test(text);
}

/**
 * The object id a peer wrote as `text`, in lower case, or undefined when it is none.
 * Both ends must treat ids as case-insensitive (gitprotocol-pack), so upper case is read and never written.
 */
export function readObjectId(text: string, format: ObjectFormat): string | undefined {
  if (isObjectId(text, format)) return text;
  const lower = text.toLowerCase();
  return isObjectId(lower, format) ? lower : undefined;
}

/** The id of `format` that stands for "no object" in commands and advertisements. */
export function zeroId(format: ObjectFormat): string {
  return zeros[format];
}

/** True when `oid` is the zero id of either format. */
export function isZeroId(oid: string): boolean {
  return oid === zeros.sha1 || oid === zeros.sha256;
}
