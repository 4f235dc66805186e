import { cleanReason } from '../git/index.ts';
import { withoutSequences } from '../lib/control-sequences.ts';

/** Longest text of a remote that is shown, in characters. */
const LONGEST = 1_000;

/**
 * What a remote says, as it can be shown on a terminal: without control sequences, which could move the cursor or change
 * colours, on one line, and not very long.
 * @param redact takes secrets out: after control sequences, which could hide them, and before the text is cut off, which could leave half of one
 */
export function saferText(text: string, redact: (text: string) => string = (same) => same): string {
  const plain = redact(withoutSequences(text))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
    .replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .trim();
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST)}…` : plain;
}

/** The same, but at most so many bytes long, and without any character that is not seen; see {@link cleanReason}. */
export function saferReason(text: string, redact: (text: string) => string, maxBytes?: number): string {
  return cleanReason(redact(withoutSequences(text)), maxBytes);
}
