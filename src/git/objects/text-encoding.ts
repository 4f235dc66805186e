/** Bytes as text. Git knows no encoding of files, and takes the names of encodings from commits as they were written. */

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LATIN1 = new TextDecoder('windows-1252');

/**
 * The text of a commit or tag.
 * @param encoding as the object names it; UTF-8 if absent. Where it is unknown or wrong, bytes that are not UTF-8 are read
 *   as Latin-1, so that nothing is lost and nothing fails.
 */
export function decodeText(bytes: Uint8Array, encoding?: string): string {
  return decodeStrictly(bytes, encoding) ?? LATIN1.decode(bytes);
}

/**
 * A text of lines that may come from different files or people: where it is not of one encoding, each line is decoded by itself. So is
 * a text whose end was cut off within a character.
 * @param encoding as for {@link decodeText}
 */
export function decodeByLine(bytes: Uint8Array, encoding?: string): string {
  const whole = decodeStrictly(bytes, encoding);
  if (whole !== undefined) return whole;
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  return lines.map((line) => decodeText(Buffer.from(line, 'latin1'), encoding)).join('\n');
}

/** @returns undefined for bytes that are neither of the encoding nor UTF-8 */
function decodeStrictly(bytes: Uint8Array, encoding: string | undefined): string | undefined {
  if (encoding !== undefined) {
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes);
    } catch {
      // An unknown name, or bytes that are not of it: read as without a name.
    }
  }
  try {
    return STRICT_UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}
