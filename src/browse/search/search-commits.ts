import { decodeText } from '../../git/index.ts';
import { listTexts } from '../../git-process/walk-commands.ts';
import { startOfWalk } from '../history.ts';
import { mailmapOf } from '../mailmap.ts';
import { type FoundCommit, readListedCommit } from '../objects.ts';
import { Fields, readOutput } from '../read-output.ts';
import type { RepositoryView } from '../repository-view.ts';

export interface CommitQuestion {
  /** Id of a commit; those that it reaches are searched. */
  readonly from: string;
  /** Words of a message, a name or an address, or the beginning of an id. */
  readonly query: string;
  /** Only commits of this author: a part of a name or an address; empty for all. */
  readonly author: string;
  /** Only commits that change something here; empty for all. */
  readonly path: readonly Buffer[];
}

export interface CommitSearch {
  /** Newest first. */
  readonly commits: readonly FoundCommit[];
  /** Number of examined commits. */
  readonly searched: number;
  /** True if there may be more, among commits that were not examined. */
  readonly cut: boolean;
}

/** Bounds of one search. */
const MOST_FOUND = 100;
const MOST_SEARCHED = 50_000;
const BOUNDS = { bytes: 64 * 1024 * 1024, milliseconds: 5_000 };
/** Fields for each commit: id, name, address, message. */
const FIELDS = 4;
/** An id is looked for from this many digits on. */
const SHORTEST_ID = 7;

/** Searches the newest commits. Every word of the query must be there; case does not matter. */
export async function searchCommits(view: RepositoryView, question: CommitQuestion): Promise<CommitSearch> {
  const fits = matcher(question);
  const mailmap = await mailmapOf(view);
  const input = startOfWalk([question.from], [], question.path);
  const fields = new Fields(0);
  let commit: Buffer[] = [];
  const found: string[] = [];
  let searched = 0;
  const command = listTexts(await view.gitDir(), 'messages', MOST_SEARCHED);
  const end = await readOutput(view, command, input, BOUNDS, (piece) => {
    for (const field of fields.of(piece)) {
      commit.push(field);
      if (commit.length < FIELDS) continue;
      const [oid = '', name = '', email = '', message = ''] = commit.map((part) => decodeText(part));
      commit = [];
      searched++;
      const shown = mailmap.apply({ name, email });
      // Both the name that people see and the one in the commit.
      if (fits(oid, `${shown.name} <${shown.email}>\n${name} <${email}>`, message)) found.push(oid);
      if (found.length === MOST_FOUND) return false;
    }
    return true;
  });
  const commits = await Promise.all(found.map((oid) => readListedCommit(view, oid)));
  return { commits, searched, cut: end !== 'whole' || searched === MOST_SEARCHED };
}

function matcher({ query, author }: CommitQuestion): (oid: string, by: string, message: string) => boolean {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const wantedAuthor = author.toLowerCase();
  return (oid, by, message) => {
    const person = by.toLowerCase();
    if (!person.includes(wantedAuthor)) return false;
    const [only = ''] = words;
    if (words.length === 1 && only.length >= SHORTEST_ID && oid.startsWith(only)) return true;
    const text = `${message.toLowerCase()}\n${person}`;
    return words.every((word) => text.includes(word));
  };
}
