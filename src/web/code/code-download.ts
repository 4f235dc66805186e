import type { Context } from 'hono';
import type { RepositoryViews } from '../../browse/repository-views.ts';
import type { PageWord } from '../../nostr/repository-url.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import type { FoundRepository } from '../find-repository.ts';
import type { KeptDownloads } from './downloads/kept-downloads.ts';

/** What downloads are made from. */
export interface DownloadSources {
  /** The public base URL of the service. */
  readonly base: string;
  readonly views: Pick<RepositoryViews, 'read'>;
  /** Large answers; undefined where there are none. */
  readonly downloads: KeptDownloads | undefined;
}

/** An answer about the content of a repository that is no page: it may be large, and is streamed. */
export interface CodeDownload {
  readonly word: PageWord;
  /** Whether it answers this path, where pages have the same word. Absent: it answers all of them. */
  claims?(segments: readonly Buffer[], manifest: GitManifest): boolean;
  /**
   * Answers a GET or a HEAD. The routes check access.
   * @throws CairnError `not-found`, `invalid`, `too-large`, `busy`, `unavailable`
   */
  answer(
    c: Context,
    sources: DownloadSources,
    found: FoundRepository,
    segments: readonly Buffer[],
  ): Promise<Response>;
}
