import { PAGE_WORDS, type PageWord } from '../nostr/repository-url.ts';
import { FOSSIL_WORDS } from './fossil/fossil-word.ts';

/** Pages that robots may read: there is one of each for a branch or a repository. Of all others there is one for each commit. */
const FOR_ROBOTS: ReadonlySet<PageWord> = new Set<PageWord>(['file', 'tree']);

/**
 * What robots are asked for (RFC 9309). They find repositories and the files of branches; histories, differences and
 * searches have more pages than anybody needs.
 * @param root path of the base URL, without a slash at its end
 */
export function robotsText(root: string): string {
  const closed = PAGE_WORDS.filter((word) => !FOR_ROBOTS.has(word));
  return [
    'User-agent: *',
    ...closed.map((word) => `Disallow: ${root}/*/*/${word}/`),
    ...FOSSIL_WORDS.map((word) => `Disallow: ${root}/fossil/*/*/${word}`),
    `Disallow: ${root}/sign-in`,
    `Disallow: ${root}/git/`,
    'Crawl-delay: 2',
    '',
  ].join('\n');
}
