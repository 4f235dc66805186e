import type { RepositoryId } from '../../repository/repository-id.ts';
import { readFossilPagePath } from '../page-path.ts';
import { FOSSIL_WORDS, type FossilWord } from './fossil-word.ts';

/** The URL of a page: `/fossil/<npub>/<identifier>[/<word>/<segments>]`. */
export interface FossilPath {
  readonly id: RepositoryId;
  /** Empty for the repository's own page. */
  readonly word: FossilWord | '';
  /** Decoded once. */
  readonly segments: readonly string[];
}

/**
 * Parses the path of a page about the content of a Fossil repository.
 * @param path the raw path
 * @returns undefined if it is not one
 */
export function readFossilPath(path: string): FossilPath | undefined {
  const own = readFossilPagePath(path);
  if (own !== undefined) return { id: own, word: '', segments: [] };
  const [, repository = '', name, rest = ''] =
    /^(\/fossil\/[^/]+\/[^/]+)\/([a-z]+)(?:\/(.*))?$/.exec(path) ?? [];
  const word = FOSSIL_WORDS.find((known) => known === name);
  const id = word === undefined ? undefined : readFossilPagePath(repository);
  if (word === undefined || id === undefined) return undefined;
  try {
    const segments = rest
      .split('/')
      .filter((part) => part !== '')
      .map((part) => decodeURIComponent(part));
    return { id, word, segments };
  } catch (error) {
    // Fossil's names are UTF-8.
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
