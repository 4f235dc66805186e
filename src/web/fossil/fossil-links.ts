import { formatNpub } from '../../nostr/public-key.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { rootOf } from '../layout.ts';
import type { FossilWord } from './fossil-word.ts';

/** Makes the URLs of the pages of a Fossil repository. They have no host, so they work wherever the page was reached. */
export class FossilLinks {
  /** The path of the repository's own page. */
  readonly repository: string;

  /** @param base the public base URL of the service, whose path comes first */
  constructor(base: string, { owner, identifier }: Pick<RepositoryId, 'owner' | 'identifier'>) {
    this.repository = `${rootOf(base)}/fossil/${formatNpub(owner)}/${encodeURIComponent(identifier)}`;
  }

  /**
   * A page.
   * @param artifact name of an artifact, or `tip`
   * @param path of a file, with slashes, or a title
   */
  at(word: FossilWord, artifact?: string, path = ''): string {
    const parts = [...(artifact === undefined ? [] : [artifact]), ...segmentsOf(path)];
    return [this.repository, word, ...parts.map(encodeURIComponent)].join('/');
  }
}

/** Browsers change paths with empty segments and dots, as titles may have: these are one segment, whose slashes are encoded. */
function segmentsOf(path: string): readonly string[] {
  if (path === '') return [];
  const names = path.split('/');
  return names.some((name) => /^\.{0,2}$/.test(name)) ? [path] : names;
}
