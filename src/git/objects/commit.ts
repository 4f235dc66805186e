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
