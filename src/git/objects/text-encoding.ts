/** Bytes as text. Git knows no encoding of files, and takes the names of encodings from commits as they were written. */

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LATIN1 = new TextDecoder('windows-1252');

/**
 * The text of a commit or tag.
 * @param encoding as the object names it; UTF-8 if absent. Where it is unknown or wrong, bytes that are not UTF-8 are read
 *   as Latin-1, so that nothing is lost and nothing fails.
 */
export function decodeText(bytes: Uint8Array, encoding?: string): string {
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
    return LATIN1.decode(bytes);
  }
}
