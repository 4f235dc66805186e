import { decodeText, readTime } from '../../git/index.ts';
import { listTexts } from '../../git-process/walk-commands.ts';
import { mailmapOf } from '../mailmap.ts';
import { Fields, readOutput } from '../read-output.ts';
import type { RepositoryView } from '../repository-view.ts';

/** Somebody who wrote commits. Commits with the same address, after the mailmap, are one person's. */
export interface Contributor {
  /** As in the newest commit. */
  readonly name: string;
  readonly email: string;
  readonly commits: number;
  /** Seconds since 1970 of the earliest and the latest author date. */
  readonly first: number;
  readonly last: number;
}

export interface Contributors {
  /** Who wrote most comes first. */
  readonly people: readonly Contributor[];
  /** Number of commits that were counted. */
  readonly commits: number;
  /** True if there are older commits. */
  readonly cut: boolean;
}

/** The newest commits that are counted. */
export const MOST_COUNTED = 20_000;
const BOUNDS = { bytes: 32 * 1024 * 1024, milliseconds: 8_000 };
/** Fields for each commit: name, address, seconds. */
const FIELDS = 3;

/** Counts the commits of each author. @param from id of a commit; those that it reaches are counted */
export async function countContributors(view: RepositoryView, from: string): Promise<Contributors> {
  const mailmap = await mailmapOf(view);
  const people = new Map<string, { -readonly [Key in keyof Contributor]: Contributor[Key] }>();
  const fields = new Fields(0);
  let commit: string[] = [];
  let commits = 0;
  const command = listTexts(await view.gitDir(), 'authors', MOST_COUNTED + 1);
  const end = await readOutput(view, command, `${from}\n`, BOUNDS, (piece) => {
    for (const field of fields.of(piece)) {
      commit.push(decodeText(field));
      if (commit.length < FIELDS) continue;
      if (commits === MOST_COUNTED) return false;
      const [name = '', email = '', seconds = ''] = commit;
      commit = [];
      commits++;
      const person = mailmap.apply({ name, email });
      const key = person.email === '' ? `\0${person.name}` : person.email.toLowerCase();
      const time = readTime(seconds);
      const known = people.get(key);
      if (known === undefined) people.set(key, { ...person, commits: 1, first: time, last: time });
      else {
        known.commits++;
        known.first = Math.min(known.first, time);
        known.last = Math.max(known.last, time);
      }
    }
    return true;
  });
  // A sort is stable: of those who wrote as much, who wrote last comes first.
  return {
    people: [...people.values()].sort((a, b) => b.commits - a.commits),
    commits,
    cut: end !== 'whole',
  };
}
