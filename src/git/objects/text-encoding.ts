/** Bytes as text. Git knows no encoding of files, and takes the names of encodings from commits as they were written. */

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The characters of windows-1252 that Latin-1 has controls for, from 0x80 on (WHATWG Encoding, index-windows-1252). */
const WINDOWS =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

/** The name that the Encoding standard has for Latin-1, ASCII and windows-1252. */
const WINDOWS_1252 = 'windows-1252';

/**
 * Decodes a text in an encoding of the Encoding standard.
 * @param encoding one of its names
 * @param fatal whether bytes that are not of the encoding are an error, instead of U+FFFD
 * @throws RangeError for an unknown name, TypeError for such bytes
 */
export function decodeAs(encoding: string, bytes: Uint8Array, fatal = false): string {
  const decoder = new TextDecoder(encoding, { fatal });
  return decoder.encoding === WINDOWS_1252 ? decodeWindows1252(bytes) : decoder.decode(bytes);
}

/** Node.js 20 to 23 take windows-1252 for Latin-1: quotation marks, dashes and the euro become controls. */
function decodeWindows1252(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (control) => WINDOWS[control.charCodeAt(0) - 0x80] ?? control);
}

/** Encodings of Japanese text that are told from others, and how two kana look in them. */
const JAPANESE: readonly (readonly [encoding: string, kana: RegExp])[] = [
  ['shift_jis', /[\x82\x83][\x40-\xf1][\x82\x83][\x40-\xf1]/],
  ['euc-jp', /[\xa4\xa5][\xa1-\xf6][\xa4\xa5][\xa1-\xf6]/],
];
/** Bytes that are looked at to find an encoding. */
const LOOKED_AT = 8_000;

/**
 * The encoding of a text that is not UTF-8. It is Shift_JIS or EUC-JP if the bytes are valid in it, and kana stand beside each other and
 * are a fifth of all that is not ASCII: in other encodings, bytes that look like that are rare. Otherwise it is windows-1252, in which
 * every byte is a character.
 */
export function likelyEncoding(bytes: Uint8Array): string {
  const start = bytes.subarray(0, LOOKED_AT);
  const chars = Buffer.from(start.buffer, start.byteOffset, start.length).toString('latin1');
  const found = JAPANESE.find(([encoding, kana]) => kana.test(chars) && isJapanese(encoding, start));
  return found?.[0] ?? WINDOWS_1252;
}

function isJapanese(encoding: string, start: Uint8Array): boolean {
  let text: string;
  try {
    // The last character may be cut off.
    text = new TextDecoder(encoding, { fatal: true }).decode(start, { stream: true });
  } catch {
    // Other bytes, or a Node.js that was built without this encoding.
    return false;
  }
  const kana = text.match(/[\u3040-\u30ff]/g)?.length ?? 0;
  const all = text.match(/[^\0-\x7f]/g)?.length ?? 0;
  return kana * 5 >= all && /[\u3040-\u30ff]{2}/.test(text);
}

/**
 * The text of a commit or tag.
 * @param encoding as the object names it; UTF-8 if absent. Where it is unknown or wrong, bytes that are not UTF-8 are read
 *   in the {@link likelyEncoding}, so that nothing is lost and nothing fails.
 */
export function decodeText(bytes: Uint8Array, encoding?: string): string {
  return decodeStrictly(bytes, encoding) ?? decodeAs(likelyEncoding(bytes), bytes);
}

/**
 * A text of lines that may come from different files or people: where it is not of one encoding, each line is decoded by itself. So is
 * a text whose end was cut off within a character.
 * @param encoding as for {@link decodeText}
 */
export function decodeByLine(bytes: Uint8Array, encoding?: string): string {
  const whole = decodeStrictly(bytes, encoding);
  if (whole !== undefined) return whole;
  // A line alone may be too short to find the encoding from.
  const likely = likelyEncoding(bytes);
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  return lines
    .map((text) => {
      const line = Buffer.from(text, 'latin1');
      const read = decodeStrictly(line, encoding);
      return read ?? decodeAs(likely === WINDOWS_1252 ? likelyEncoding(line) : likely, line);
    })
    .join('\n');
}

/** @returns undefined for bytes that are neither of the encoding nor UTF-8 */
function decodeStrictly(bytes: Uint8Array, encoding: string | undefined): string | undefined {
  if (encoding !== undefined) {
    try {
      return decodeAs(encoding, bytes, true);
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
