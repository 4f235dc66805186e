import type { PageWord } from '../../nostr/repository-url.ts';
import type { ListedNostrPage } from './nostr-page.ts';

/** All answers about events. */
export interface NostrAnswers {
  readonly pages: readonly ListedNostrPage[];
  readonly downloads: typeof import('./event-downloads.ts');
  readonly owner: typeof import('./owner/owner-page.ts');
}

/** The words of these answers in URLs: known before they are loaded. */
export const NOSTR_WORDS: ReadonlySet<PageWord | ''> = new Set<PageWord>([
  'checks',
  'event',
  'issue',
  'issues',
  'patch',
  'patches',
  'pull',
  'pulls',
  'receipt',
  'receipts',
]);

let loading: Promise<NostrAnswers> | undefined;

/** Loads them for the first request that needs them: a server that only git asks starts sooner without them. */
export function loadNostr(): Promise<NostrAnswers> {
  loading ??= load();
  return loading;
}

async function load(): Promise<NostrAnswers> {
  const [{ NOSTR_PAGES: pages }, downloads, owner] = await Promise.all([
    import('./nostr-page-list.ts'),
    import('./event-downloads.ts'),
    import('./owner/owner-page.ts'),
  ]);
  return { pages, downloads, owner };
}
