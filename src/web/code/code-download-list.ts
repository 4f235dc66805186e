import type { CodeDownload } from './code-download.ts';
import { archiveDownload } from './downloads/archive-download.ts';
import { commitPatchDownload } from './downloads/commit-patch-download.ts';
import { comparePatchDownload } from './downloads/compare-patch-download.ts';
import { rawDownload } from './downloads/raw-download.ts';
import { switchRedirect } from './downloads/switch-redirect.ts';
import { commitsFeed } from './feeds/commits-feed.ts';
import { tagsFeed } from './feeds/tags-feed.ts';

/** All answers about the content of a repository that are no pages. */
export const CODE_DOWNLOADS: readonly CodeDownload[] = [
  // One on each line, in order of the alphabet.
  archiveDownload,
  commitPatchDownload,
  commitsFeed,
  comparePatchDownload,
  rawDownload,
  switchRedirect,
  tagsFeed,
];
