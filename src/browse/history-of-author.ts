import { decodeText } from '../git/index.ts';
import type { CommitChoice } from '../git-process/browse-commands.ts';
import { listTexts } from '../git-process/walk-commands.ts';
import { type HistoryPage, startOfWalk } from './history.ts';
import { mailmapOf } from './mailmap.ts';
import { readListedCommit } from './objects.ts';
import { Fields, readOutput } from './read-output.ts';
import type { RepositoryView } from './repository-view.ts';

/** A part of the history of one author. */
export interface AuthorHistory extends HistoryPage {
  /** Whether there are older commits that were not looked at. */
  readonly cut: boolean;
}

/** Commits that are looked at, and what may be read of them for how long. */
const MOST_SEARCHED = 100_000;
const BOUNDS = { bytes: 64 * 1024 * 1024, milliseconds: 5_000 };
/** Fields for each commit: id, name, address. */
const FIELDS = 3;

/**
 * Lists commits of an author, newest first. git takes the text that it looks for as an argument, and as a pattern, so the commits
 * are chosen here.
 * @param question `author`: a part of a name or an address, in the commit or as the mailmap has it; case does not matter
 * @throws CairnError `unavailable` when git fails, and as {@link startOfWalk}
 */
export async function listHistoryOf(
  view: RepositoryView,
  question: {
    /** Id of a commit. */
    readonly from: string;
    readonly path: readonly Buffer[];
    readonly author: string;
    readonly count: number;
    readonly skip: number;
    readonly choice: CommitChoice;
  },
): Promise<AuthorHistory> {
  const { from, path, count, skip, choice } = question;
  const author = question.author.toLowerCase();
  const mailmap = await mailmapOf(view);
  const fields = new Fields(0);
  const found: string[] = [];
  let commit: Buffer[] = [];
  let [searched, fitting] = [0, 0];
  const command = listTexts(await view.gitDir(), 'people', MOST_SEARCHED, choice);
  const end = await readOutput(view, command, startOfWalk([from], [], path), BOUNDS, (piece) => {
    for (const field of fields.of(piece)) {
      commit.push(field);
      if (commit.length < FIELDS) continue;
      const [oid = '', name = '', email = ''] = commit.map((part) => decodeText(part));
      commit = [];
      searched++;
      const shown = mailmap.apply({ name, email });
      const by = `${shown.name} <${shown.email}>\n${name} <${email}>`;
      if (!by.toLowerCase().includes(author)) continue;
      if (fitting++ >= skip) found.push(oid);
      if (found.length > count) return false;
    }
    return true;
  });
  const commits = await Promise.all(found.slice(0, count).map((oid) => readListedCommit(view, oid)));
  const more = found.length > count;
  return { commits, more, cut: !more && (end === 'cut' || searched === MOST_SEARCHED) };
}
