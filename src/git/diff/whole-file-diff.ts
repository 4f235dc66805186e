import { decodeByLine } from '../objects/text-encoding.ts';
import { cutText, type DiffBounds, type DiffLine, type FileDiff } from './unified-diff.ts';

/** As many bytes as git looks at to tell text from other content. */
const LOOKED_AT = 8_000;

/**
 * A file that was added or deleted whole, as a unified diff would tell it.
 * @param content of the file, or its beginning
 * @param complete false if there is more of it
 */
export function wholeFileDiff(
  content: Buffer,
  kind: 'added' | 'deleted',
  bounds: DiffBounds,
  complete = true,
): FileDiff {
  if (content.subarray(0, LOOKED_AT).includes(0)) return { binary: true, hunks: [], cut: false };
  const text = decodeByLine(content);
  const lines: DiffLine[] = [];
  let start = 0;
  while (start < text.length && lines.length < bounds.lines) {
    const found = text.indexOf('\n', start);
    const end = found === -1 ? text.length : found;
    const at = lines.length + 1;
    lines.push({
      kind,
      oldLine: kind === 'deleted' ? at : undefined,
      newLine: kind === 'added' ? at : undefined,
      text: cutText(text, start, end, bounds.columns),
      ...(found === -1 && complete ? { noLineFeed: true as const } : {}),
    });
    start = end + 1;
  }
  const hunks = lines.length === 0 ? [] : [{ heading: '', lines }];
  return { binary: false, hunks, cut: !complete || start < text.length };
}
