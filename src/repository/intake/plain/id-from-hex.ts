const DIGIT_BITS = 4;
/** From `a` in ASCII to its value as a digit. */
const LETTERS = 0x61 - 10;
const ZERO = 0x30;

/**
 * Makes a raw id of hex digits in lower case.
 * @param hex has the digits from `from` on
 * @param raw gets the id at `to`
 * @param idLength bytes of a raw id
 */
export function idFromHex(
  hex: Uint8Array,
  from: number,
  raw: Uint8Array,
  to: number,
  idLength: number,
): void {
  for (let byte = 0; byte < idLength; byte++) {
    const at = from + 2 * byte;
    raw[to + byte] = (digitAt(hex, at) << DIGIT_BITS) + digitAt(hex, at + 1);
  }
}

function digitAt(hex: Uint8Array, at: number): number {
  const byte = hex[at] ?? 0;
  return byte >= LETTERS ? byte - LETTERS : byte - ZERO;
}
