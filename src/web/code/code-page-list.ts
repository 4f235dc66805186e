import { type ListedPage, listed } from './code-page.ts';
import { blamePage } from './pages/blame/blame-page.ts';
import { branchesPage } from './pages/branches/branches-page.ts';
import { commitPage } from './pages/commit/commit-page.ts';
import { commitsPage } from './pages/commits/commits-page.ts';
import { comparePage } from './pages/compare/compare-page.ts';
import { containsPage } from './pages/contains/contains-page.ts';
import { contributorsPage } from './pages/contributors/contributors-page.ts';
import { filePage } from './pages/file/file-page.ts';
import { overviewPage } from './pages/overview/overview-page.ts';
import { searchPage } from './pages/search/search-page.ts';
import { tagPage } from './pages/tag/tag-page.ts';
import { tagsPage } from './pages/tags/tags-page.ts';
import { treePage } from './pages/tree/tree-page.ts';

/** All pages about the content of a repository. */
export const CODE_PAGES: readonly ListedPage[] = [
  // One on each line, in order of the alphabet.
  listed(branchesPage),
  listed(blamePage),
  listed(commitPage),
  listed(commitsPage),
  listed(containsPage),
  listed(contributorsPage),
  listed(comparePage),
  listed(filePage),
  listed(searchPage),
  listed(tagPage),
  listed(tagsPage),
  listed(overviewPage),
  listed(treePage),
];
