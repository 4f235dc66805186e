/**
 * Compares two texts by the bytes of their UTF-8 form, which is the order of their code points. Git sorts refs in this order, and
 * Fossil the cards of artifacts. JavaScript's own order differs: it compares UTF-16 units, and the surrogates of U+10000 and above
 * sort before U+E000.
 * @returns a negative number, zero, or a positive number
 */
export function compareBytes(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index += 1) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) return x < 0xd800 || y < 0xd800 ? x - y : byCodePoint(x) - byCodePoint(y);
  }
  return a.length - b.length;
}

/** Maps surrogates above the rest of the 16-bit range, so that units compare as their code points do. */
function byCodePoint(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
