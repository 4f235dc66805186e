import { type ListedFossilPage, listed } from './fossil-page.ts';
import { artifactPage } from './pages/artifact-page.ts';
import { checkInPage } from './pages/check-in-page.ts';
import { filePage } from './pages/file-page.ts';
import { forumPage } from './pages/notes/forum/forum-page.ts';
import { technotesPage } from './pages/notes/technotes-page.ts';
import { ticketsPage } from './pages/notes/tickets/tickets-page.ts';
import { wikiPage } from './pages/notes/wiki-page.ts';
import { overviewPage } from './pages/overview/overview-page.ts';
import { timelinePage } from './pages/timeline-page.ts';
import { treePage } from './pages/tree-page.ts';

/** All pages about the content of a Fossil repository, in the order of their words. */
export const FOSSIL_PAGES: readonly ListedFossilPage[] = [
  listed(overviewPage),
  listed(artifactPage),
  listed(checkInPage),
  listed(filePage),
  listed(forumPage),
  listed(technotesPage),
  listed(ticketsPage),
  listed(timelinePage),
  listed(treePage),
  listed(wikiPage),
];
