import { findReferences } from '../git/index.ts';
import type { RepositoryView } from './repository-view.ts';

/** Words of a text that are looked up. */
const MOST_WORDS = 50;

/**
 * Finds which words of a text are ids of commits of this repository, whole or abbreviated.
 * @returns whole ids, by the word
 * @throws CairnError `unavailable` when git fails
 */
export async function findCommitIds(
  view: RepositoryView,
  text: string,
): Promise<ReadonlyMap<string, string>> {
  const ids = findReferences(text).filter(({ kind }) => kind === 'id');
  const words = [...new Set(ids.map(({ start, end }) => text.slice(start, end)))].slice(0, MOST_WORDS);
  const found = await Promise.all(words.map((word) => view.session.find(word)));
  return new Map(
    found.flatMap((object, at) =>
      object?.type === 'commit' ? [[words[at] ?? '', object.oid] as const] : [],
    ),
  );
}
