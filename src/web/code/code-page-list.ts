import { type ListedPage, listed } from './code-page.ts';
import { commitPage } from './pages/commit/commit-page.ts';
import { commitsPage } from './pages/commits/commits-page.ts';
import { filePage } from './pages/file/file-page.ts';
import { treePage } from './pages/tree/tree-page.ts';

/** All pages about what is in a repository. */
export const CODE_PAGES: readonly ListedPage[] = [
  // One on each line, in order of the alphabet.
  listed(commitPage),
  listed(commitsPage),
  listed(filePage),
  listed(treePage),
];
