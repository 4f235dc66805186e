/** What `git grep -z -n --column` prints about a tree. */

/** A matching line of a file, or a line beside one. */
export interface GrepLine {
  /** From 1 on. */
  readonly number: number;
  /** Byte at which the text that was looked for begins, from 1 on; undefined for a line beside. */
  readonly column: number | undefined;
  readonly text: Buffer;
}

/** The lines of one file. */
export interface GrepFile {
  readonly path: Buffer;
  readonly lines: readonly GrepLine[];
}

const LINE_FEED = 0x0a;

/**
 * Reads the output. A path may have line feeds, so only the name of the tree tells where a record begins.
 * @param tree as written before each path
 * @param most files; the rest is left out
 */
export function parseGrep(
  output: Buffer,
  tree: string,
  most: number,
): { readonly files: GrepFile[]; readonly more: boolean } {
  const files: { path: Buffer; lines: GrepLine[] }[] = [];
  const start = Buffer.from(`${tree}:`);
  for (let at = 0; at < output.length; ) {
    if (output.compare(start, 0, start.length, at, Math.min(at + start.length, output.length)) !== 0) {
      // What separates the groups of lines.
      const end = output.indexOf(LINE_FEED, at);
      if (end === -1) break;
      at = end + 1;
      continue;
    }
    const record = readRecord(output, at + start.length);
    if (record === undefined) break;
    const { path, line, end } = record;
    at = end;
    const last = files.at(-1);
    if (last?.path.equals(path) === true) last.lines.push(line);
    else if (files.length === most) return { files, more: true };
    else files.push({ path, lines: [line] });
  }
  return { files, more: false };
}

/** Reads `<path> NUL <number> NUL [<column> NUL] <text>`. @returns undefined where it is cut off */
function readRecord(
  output: Buffer,
  from: number,
): { readonly path: Buffer; readonly line: GrepLine; readonly end: number } | undefined {
  const pathEnd = output.indexOf(0, from);
  const numberEnd = output.indexOf(0, pathEnd + 1);
  const end = output.indexOf(LINE_FEED, numberEnd);
  if (pathEnd === -1 || numberEnd === -1 || end === -1) return undefined;
  const [, column] =
    /^(\d{1,10})\0/.exec(output.toString('latin1', numberEnd + 1, Math.min(end, numberEnd + 12))) ?? [];
  const textStart = numberEnd + 1 + (column === undefined ? 0 : column.length + 1);
  return {
    path: output.subarray(from, pathEnd),
    line: {
      number: Number(output.toString('latin1', pathEnd + 1, numberEnd)),
      column: column === undefined ? undefined : Number(column),
      text: output.subarray(textStart, end),
    },
    end: end + 1,
  };
}
