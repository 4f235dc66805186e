import type { CodeDownload } from './code-download.ts';
import type { ListedPage } from './code-page.ts';

/** All answers about the content of a repository. */
export interface CodeAnswers {
  readonly pages: readonly ListedPage[];
  readonly downloads: readonly CodeDownload[];
}

let loading: Promise<CodeAnswers> | undefined;

/** Loads pages and downloads for the first request that needs them: a server that only git asks starts sooner without them. */
export function loadCode(): Promise<CodeAnswers> {
  loading ??= load();
  return loading;
}

async function load(): Promise<CodeAnswers> {
  const [{ CODE_PAGES: pages }, { CODE_DOWNLOADS: downloads }] = await Promise.all([
    import('./code-page-list.ts'),
    import('./code-download-list.ts'),
  ]);
  return { pages, downloads };
}
