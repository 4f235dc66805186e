import { withoutSequences } from '../lib/control-sequences.ts';

/** Maximum length in bytes of a reason that is shown to a user. */
export const maxReasonBytes = 1000;

/**
 * Makes `text` one line that is safe for a terminal and fits into a packet. Control sequences are taken out; other control characters,
 * formatting characters and line breaks become single spaces. Text beyond `maxBytes` of UTF-8 is cut off between characters.
 */
export function cleanReason(text: string, maxBytes: number = maxReasonBytes): string {
  const line = withoutSequences(text)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
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
