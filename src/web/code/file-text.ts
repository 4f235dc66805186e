/** What a file is, found from its bytes: git knows names and bytes only. */
import { isUtf8 } from 'node:buffer';
import { decodeAs, likelyEncoding } from '../../git/index.ts';

/** A file as text, or the reason why it is not shown so. */
export type FileText =
  | { readonly is: 'text'; readonly text: string; readonly encoding: string }
  | { readonly is: 'binary' };

/** A text as lines. */
export interface TextLines {
  readonly lines: readonly string[];
  readonly lineEnds: 'lf' | 'crlf' | 'mixed';
  /** Whether the last line ends with a line feed. True for an empty file. */
  readonly endsWithLineFeed: boolean;
}

/** The longest first. The encoding is undefined where the text is not read: no browser knows UTF-32. */
const BYTE_ORDER_MARKS: readonly (readonly [bytes: readonly number[], encoding: string | undefined])[] = [
  [[0xff, 0xfe, 0, 0], undefined],
  [[0, 0, 0xfe, 0xff], undefined],
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];
/** As many bytes as git looks at to tell text from other content. */
export const LOOKED_AT = 8_000;

/** Reads a file as text, in the encoding that {@link encodingOf} finds. */
export function readFileText(content: Buffer): FileText {
  const encoding = encodingOf(content);
  if (encoding === undefined) return { is: 'binary' };
  return { is: 'text', text: decodeAs(encoding, content), encoding };
}

/**
 * The encoding of a text. Byte order marks come first, then UTF-8, then UTF-16 without a mark, then what it is likely to be.
 * @returns undefined for what is no text
 */
export function encodingOf(content: Buffer): string | undefined {
  const marked = BYTE_ORDER_MARKS.find(([bytes]) => bytes.every((byte, at) => content[at] === byte));
  if (marked !== undefined) return marked[1];
  const start = content.subarray(0, LOOKED_AT);
  if (start.includes(0)) return likelyUtf16(start);
  return isUtf8(content) ? 'utf-8' : likelyEncoding(content);
}

/** The beginning of a file without the line in which it was cut, perhaps within a character. */
export function wholeLines(beginning: Buffer): Buffer {
  const end = beginning.lastIndexOf(0x0a) + 1;
  if (end > 0) return beginning.subarray(0, end);
  // One line: a character of UTF-8 has four bytes at most.
  const cuts = [0, 1, 2, 3].map((bytes) => beginning.subarray(0, Math.max(0, beginning.length - bytes)));
  return cuts.find((cut) => isUtf8(cut)) ?? beginning;
}

/**
 * Tells UTF-16 without a mark: every other byte of Latin letters is NUL, and there are no characters that are not written.
 * @returns undefined for everything else
 */
function likelyUtf16(start: Buffer): string | undefined {
  const zeros = [0, 0];
  for (const [at, byte] of start.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (start.length % 2 !== 0 || Math.max(even, odd) < start.length / 5 || Math.min(even, odd) > 0)
    return undefined;
  const encoding = odd > 0 ? 'utf-16le' : 'utf-16be';
  const text = new TextDecoder(encoding).decode(start);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those that no text has
  return /[\0-\x08\x0e-\x1f\x7f\uffff]/.test(text) ? undefined : encoding;
}

/** The lines of a text. A line feed ends a line, and need not stand at the end. CR before it is left out. */
export function linesOf(text: string): TextLines {
  const lines = text.split('\n');
  const endsWithLineFeed = lines.at(-1) === '';
  if (endsWithLineFeed) lines.pop();
  // The last line may end with nothing: then CR at its end is a character of it.
  const ends = lines.length - (endsWithLineFeed ? 0 : 1);
  let returns = 0;
  for (const [at, line] of lines.slice(0, ends).entries()) {
    if (!line.endsWith('\r')) continue;
    lines[at] = line.slice(0, -1);
    returns++;
  }
  const isAll = returns > 0 && returns === ends;
  return { lines, lineEnds: isAll ? 'crlf' : returns > 0 ? 'mixed' : 'lf', endsWithLineFeed };
}

/** Whether a text has characters that change the writing direction: such code may do something else than readers see. */
export function hasHiddenDirections(text: string): boolean {
  return /[\u202a-\u202e\u2066-\u2069]/.test(text);
}
