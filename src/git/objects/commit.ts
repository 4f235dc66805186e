import { readObjectText } from './object-header.ts';
import { type Person, parsePerson } from './person.ts';

/** A commit as a page shows it. */
export interface Commit {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Person;
  readonly committer: Person;
  /** The whole message; may be empty. */
  readonly message: string;
  /** What signs it, in ASCII armour: OpenPGP, SSH or X.509; undefined for unsigned commits. */
  readonly signature: string | undefined;
}

/** Reads a commit. It was checked when it was pushed, so nothing is refused here. @param content as git stores it */
export function parseCommit(content: Buffer): Commit {
  const { headers, parents, message } = readObjectText(content);
  return {
    tree: headers.get('tree') ?? '',
    parents,
    author: parsePerson(headers.get('author') ?? ''),
    committer: parsePerson(headers.get('committer') ?? ''),
    message,
    signature: headers.get('gpgsig') ?? headers.get('gpgsig-sha256'),
  };
}

/** The line of a committer, where every version of git reads the same date from it. */
const DATED =
  /^tree [0-9a-f]+\n(?:parent [0-9a-f]+\n)*author [^\n]*\ncommitter [^\n>]*> (\d{1,10}) [+-]\d{4}\n/;
/** Bytes of a commit that its date is looked for in: a merge has a line for each parent. */
const DATE_WITHIN = 64 * 1024;

/**
 * The committer's date by which git orders commits.
 * @param content as git stores it
 * @returns seconds since 1970; undefined for lines that versions of git read in different ways, and for dates before 1970
 */
export function dateInCommit(content: Buffer): number | undefined {
  const seconds = DATED.exec(content.toString('latin1', 0, DATE_WITHIN))?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

/** The first paragraph of a message as one line, and the rest of it. The time is linear in its length. */
export function splitMessage(message: string): { readonly subject: string; readonly body: string } {
  const text = message.trimStart();
  const end = /\n\s*\n/.exec(text);
  // Line by line: an expression with white space before the line feed would begin at each space, and try all that follow.
  const lines = (end === null ? text : text.slice(0, end.index)).split('\n');
  const subject = lines
    .map((line) => line.trim())
    .join(' ')
    .trim();
  return { subject, body: end === null ? '' : text.slice(end.index + end[0].length).trimEnd() };
}
