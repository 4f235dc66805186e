import type { Revision } from '../../../../browse/revision.ts';
import type { SearchType } from '../../../../browse/search/query.ts';
import type { CodeSearch } from '../../../../browse/search/search-code.ts';
import type { CommitSearch } from '../../../../browse/search/search-commits.ts';
import type { PathSearch } from '../../../../browse/search/search-paths.ts';

export interface SearchQuestion extends Revision {
  readonly type: SearchType;
  readonly query: string;
  /** Of commits: only those by somebody, or below a path. */
  readonly author: string;
  readonly below: string;
}

/** The results; absent if nothing was searched. */
export type Found =
  | { readonly type: 'nothing' }
  | ({ readonly type: 'code' } & CodeSearch)
  | ({ readonly type: 'paths' } & PathSearch)
  | ({ readonly type: 'commits' } & CommitSearch);
