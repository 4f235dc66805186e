import { decodeText } from '../objects/text-encoding.ts';

/** A line of a unified diff. */
export interface DiffLine {
  readonly kind: 'context' | 'added' | 'deleted';
  /** Line numbers, from 1; undefined where the line is not in that file. */
  readonly oldLine: number | undefined;
  readonly newLine: number | undefined;
  readonly text: string;
  /** The last line of a file that has no line feed at its end. */
  readonly noLineFeed?: true;
}

export interface DiffHunk {
  /** What stands behind the second `@@`: the function that the change is in, as far as git knows. */
  readonly heading: string;
  readonly lines: readonly DiffLine[];
}

/** The changes of one file. */
export interface FileDiff {
  readonly binary: boolean;
  readonly hunks: readonly DiffHunk[];
  /** Whether lines were left out, because the file or the diff has too many. */
  readonly cut: boolean;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/s;
const START = Buffer.from('diff --git ');

/**
 * Parses the output of `git diff-tree -p`.
 * @param output may end anywhere; what is not whole is marked as cut
 * @param complete false if the output was cut off
 * @param mostLines of one file; the others are left out
 */
export function parseUnifiedDiff(output: Buffer, complete: boolean, mostLines: number): FileDiff[] {
  const starts: number[] = [];
  for (let at = output.indexOf(START); at !== -1; at = output.indexOf(START, at + START.length)) {
    // Lines of files begin with a space, a plus or a minus.
    if (at === 0 || output[at - 1] === 0x0a) starts.push(at);
  }
  return starts.map((start, index) => {
    const isLast = index === starts.length - 1;
    const section = output.subarray(start, starts[index + 1] ?? output.length);
    return parseSection(section, !isLast || complete, mostLines);
  });
}

function parseSection(section: Buffer, complete: boolean, mostLines: number): FileDiff {
  const all = decodeText(section).split('\n');
  // Behind the last line feed there is nothing, or a line that was cut off.
  all.pop();
  const hunks: { heading: string; lines: DiffLine[] }[] = [];
  let [oldLine, newLine, count, cut] = [0, 0, 0, !complete];
  let binary = false;
  for (const line of all) {
    const hunk = line.startsWith('@@') ? HUNK.exec(line) : null;
    if (hunk !== null) {
      [oldLine, newLine] = [Number(hunk[1]), Number(hunk[2])];
      hunks.push({ heading: hunk[3] ?? '', lines: [] });
      continue;
    }
    const lines = hunks.at(-1)?.lines;
    if (lines === undefined) {
      binary ||= line.startsWith('Binary files ') || line.startsWith('GIT binary patch');
      continue;
    }
    if (line.startsWith('\\')) {
      const last = lines.pop();
      if (last !== undefined) lines.push({ ...last, noLineFeed: true });
      continue;
    }
    if (count === mostLines) {
      cut = true;
      break;
    }
    count++;
    const text = line.slice(1);
    if (line.startsWith('+')) lines.push({ kind: 'added', oldLine: undefined, newLine: newLine++, text });
    else if (line.startsWith('-'))
      lines.push({ kind: 'deleted', oldLine: oldLine++, newLine: undefined, text });
    else lines.push({ kind: 'context', oldLine: oldLine++, newLine: newLine++, text });
  }
  return { binary, hunks, cut };
}
