/** The most bytes a reason has when it reaches a user. */
export const maxReasonBytes = 1000;

/**
 * `text` as one line fit for a terminal and for a packet: control and formatting characters and line breaks
 * become single spaces, and what exceeds `maxBytes` of UTF-8 is cut between characters.
 */
export function cleanReason(text: string, maxBytes: number = maxReasonBytes): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  if (Buffer.byteLength(line) <= maxBytes) return line || 'no reason given';
  let kept = '';
  let bytes = 0;
  for (const character of line) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept.trimEnd();
}
