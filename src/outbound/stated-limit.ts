const UNITS: Readonly<Record<string, number>> = { '': 1, k: 10, m: 20, g: 30, t: 40 };

/** What other limits count. */
const OTHERS = String.raw`\s*(?:requests?|calls?|per|/|s|seconds?|minutes?|hours?|refs?|objects?|files?|times?)\b`;
/** A number with a unit, as `100 MB`, `2.00 GiB`, `52428800`, `524288000 bytes`. */
const SIZE = String.raw`(\d{1,16}(?:\.\d{1,6})?)(?!\d|\.\d)\s{0,2}(?:([kmgt])i?)?b?(?:ytes?)?\b(?!${OTHERS})`;

/** Texts in which servers state a limit, with the characters between the words and the number. */
const STATEMENTS = [
  new RegExp(
    String.raw`exceed(?:s|ed|ing)?\b[^0-9\n]{0,60}\b(?:limit|maximum|size)\b[^0-9\n]{0,30}${SIZE}`,
    'i',
  ),
  new RegExp(String.raw`\b(?:limit|maximum|at most|max size|larger than)\b[^0-9\n]{0,40}${SIZE}`, 'i'),
];

/**
 * The number of bytes that a server says it accepts at most, in the text of an error or on the side band: `body exceeded size
 * limit 104857600`, `pack exceeds maximum allowed size (2.00 GiB)`. Undefined if it states none. A unit counts as a power of
 * 1024 only if it can be nothing else; a power of 1000 is less, and so always accepted.
 */
export function statedLimit(text: string): number | undefined {
  if (!/exceed|too large|too big|larger than|limit/i.test(text)) return undefined;
  for (const statement of STATEMENTS) {
    const [match, number, unit = ''] = statement.exec(text) ?? [];
    if (match === undefined || number === undefined) continue;
    const power = UNITS[unit.toLowerCase()] ?? 0;
    const factor = unit === '' ? 1 : /[kmgt]ib/i.test(match) ? 2 ** power : 1000 ** (power / 10);
    const bytes = Math.floor(Number(number) * factor);
    if (Number.isSafeInteger(bytes) && bytes >= LEAST) return bytes;
  }
  return undefined;
}

/** A smaller number is a limit of something else, as of seconds or objects. */
const LEAST = 1024;
