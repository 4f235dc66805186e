/** The output of `git diff-tree -p` by files. Which file a section is about is known by its first line. */

/** What a patch says about one file; of one whose type changes there are two. */
export interface PatchSection {
  /** The first line, in latin1: `diff --git a/… b/…`. */
  readonly head: string;
  /** The section whole, with its first line. */
  readonly bytes: Buffer;
  /** False for the last one of an output that was cut off. */
  readonly complete: boolean;
}

const START = Buffer.from('diff --git ');
const LINE_FEED = 0x0a;

/**
 * Splits a patch. Lines of files begin with a space, a plus or a minus, so no file can look like the begin of a section.
 * @param output may end anywhere
 * @param complete false if the output was cut off
 */
export function splitPatch(output: Buffer, complete: boolean): PatchSection[] {
  const starts: number[] = [];
  for (let at = output.indexOf(START); at !== -1; at = output.indexOf(START, at + START.length)) {
    if (at === 0 || output[at - 1] === LINE_FEED) starts.push(at);
  }
  return starts.map((start, index) => {
    const bytes = output.subarray(start, starts[index + 1] ?? output.length);
    const end = bytes.indexOf(LINE_FEED);
    return {
      head: bytes.toString('latin1', 0, end === -1 ? bytes.length : end),
      bytes,
      complete: complete || index < starts.length - 1,
    };
  });
}

/** The first line of the section about a file, in latin1. */
export function sectionHead({
  oldPath,
  newPath,
}: {
  readonly oldPath: Buffer;
  readonly newPath: Buffer;
}): string {
  return `diff --git ${quoted('a/', oldPath)} ${quoted('b/', newPath)}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '"': '"',
  '\\': '\\',
};

/** A path as git writes it in patches (`core.quotePath` in git-config(1)). */
function quoted(prefix: string, path: Buffer): string {
  const text = path.toString('latin1');
  const escaped = text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the bytes that git quotes
    /[\x00-\x1f"\\\x7f-\xff]/g,
    (char) => `\\${ESCAPES[char] ?? char.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return escaped === text ? `${prefix}${text}` : `"${prefix}${escaped}"`;
}
