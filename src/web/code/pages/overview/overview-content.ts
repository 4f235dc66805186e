import type { LanguageShare } from '../../../../browse/languages/languages.ts';
import type { FoundCommit } from '../../../../browse/objects.ts';
import type { About } from '../../about.ts';
import type { TreeContent, TreeQuestion } from '../tree/tree-page.ts';
import type { OverviewFacts } from './overview-facts.ts';

export interface OverviewQuestion {
  readonly about: About;
  readonly facts: OverviewFacts;
  /** The root of the default branch; undefined while it does not exist. */
  readonly at: TreeQuestion | undefined;
}

/** The content of the default branch. */
export interface OverviewContent {
  readonly folder: TreeContent;
  readonly latest: FoundCommit;
  readonly languages: readonly LanguageShare[];
}
