/** Characters that change how the text around them is shown, or are invisible: controls, directions, zero width. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** More marks on one letter than this are a tower that covers other lines. */
const MARKS = /(\p{M}{2})\p{M}+/gu;

/**
 * Foreign text for one line: no line breaks, no characters that are unseen or that change direction, single spaces, no towers
 * of marks.
 * @param limit maximum number of UTF-16 units; the rest is cut off, with an ellipsis
 */
export function oneLine(text: string, limit: number): string {
  // Only the beginning is looked at: a text may have hundreds of kilobytes.
  const begin = text.slice(0, 4 * limit + 64).replace(/[\t\n\r]/g, ' ');
  const clean = begin.replace(UNSEEN, '').replace(MARKS, '$1').replace(/\s+/gu, ' ').trim();
  const isWhole = clean.length <= limit && text.length <= 4 * limit + 64;
  return isWhole
    ? clean
    : `${clean
        .slice(0, limit)
        .replace(/[\ud800-\udbff]$/, '')
        .trimEnd()}…`;
}
