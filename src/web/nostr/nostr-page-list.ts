import { issuesPage, patchesPage, pullsPage } from './lists/thread-list-page.ts';
import { type ListedNostrPage, listedNostr } from './nostr-page.ts';
import { receiptsPage } from './receipts/receipts-page.ts';
import { checksPage } from './threads/checks-page.ts';
import { issuePage } from './threads/issue-page.ts';
import { patchPage } from './threads/patch-page.ts';
import { pullPage } from './threads/pull-page.ts';

/** All pages about events of a repository. */
export const NOSTR_PAGES: readonly ListedNostrPage[] = [
  // One on each line, in order of the alphabet.
  listedNostr(checksPage),
  listedNostr(issuePage),
  listedNostr(issuesPage),
  listedNostr(patchPage),
  listedNostr(patchesPage),
  listedNostr(pullPage()),
  listedNostr(pullsPage),
  listedNostr(receiptsPage),
];
