/** Commits and tags in lists. Each may have a megabyte of text, and a page lists hundreds. */
import type { Commit, Person, Tag } from '../git/index.ts';

/** Characters of a message or signature, and of a name or address, that lists have. */
const LISTED_TEXT = 10_000;
const LISTED_NAME = 500;
/** Parents that lists have. Merges have two, and rarely more than eight. */
const LISTED_PARENTS = 64;

/** A commit as lists have it. Long texts do not stay in memory. */
export function shortCommit(commit: Commit): Commit {
  const { parents, author, committer, message, signature } = commit;
  return {
    ...commit,
    parents: parents.length > LISTED_PARENTS ? parents.slice(0, LISTED_PARENTS) : parents,
    author: shortPerson(author),
    committer: shortPerson(committer),
    message: shortText(message, LISTED_TEXT),
    signature: signature === undefined ? undefined : shortText(signature, LISTED_TEXT),
  };
}

/** A tag as lists have it. */
export function shortTag(tag: Tag): Tag {
  const { tagger, message, signature } = tag;
  return {
    ...tag,
    tagger: tagger === undefined ? undefined : shortPerson(tagger),
    message: shortText(message, LISTED_TEXT),
    signature: signature === undefined ? undefined : shortText(signature, LISTED_TEXT),
  };
}

function shortPerson(person: Person): Person {
  const { name, email } = person;
  return { ...person, name: shortText(name, LISTED_NAME), email: shortText(email, LISTED_NAME) };
}

/** A copy of the beginning: a part of a string would keep the whole one in memory. */
function shortText(text: string, most: number): string {
  return text.length <= most ? text : Buffer.from(text.slice(0, most)).toString();
}
