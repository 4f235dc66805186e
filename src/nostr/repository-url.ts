/**
 * The URLs of repositories and of the relay, below the public base URL of a service. That is configured and never taken from
 * a request. A base URL may have a path, and has no slash at its end.
 */
import { formatNpub } from './public-key.ts';

/** The URL where a push needs a token: `<base>/git/<npub>/<identifier>.git`. */
export function gitUrl(base: string, owner: string, identifier: string): string {
  return `${base}/git/${formatNpub(owner)}/${encodeURIComponent(identifier)}.git`;
}

/** The URL where a push needs a signed state that it matches (GRASP-01): `<base>/<npub>/<identifier>.git`. */
export function graspUrl(base: string, owner: string, identifier: string): string {
  return `${base}/${formatNpub(owner)}/${encodeURIComponent(identifier)}.git`;
}

/** The URL of a Fossil repository, for every request of its clients: `<base>/fossil/<npub>/<identifier>`. */
export function fossilUrl(base: string, owner: string, identifier: string): string {
  return `${base}/fossil/${formatNpub(owner)}/${encodeURIComponent(identifier)}`;
}

/** Every URL of a git repository here. `.git` at the end makes no difference. */
export function repositoryUrls(base: string, owner: string, identifier: string): string[] {
  return [
    gitUrl(base, owner, identifier),
    `${base}/git/${owner}/${encodeURIComponent(identifier)}.git`,
    graspUrl(base, owner, identifier),
  ];
}

/**
 * The words that begin the pages of a repository, below `<base>/<npub>/<identifier>/`. None of them is the beginning of a path
 * that git asks for.
 */
export const PAGE_WORDS = [
  // One on each line, in order of the alphabet.
  'archive',
  'blame',
  'branches',
  'checks',
  'commit',
  'commits',
  'compare',
  'contains',
  'contributors',
  'event',
  'feed',
  'file',
  'issue',
  'issues',
  'patch',
  'patches',
  'pull',
  'pulls',
  'raw',
  'receipt',
  'receipts',
  'search',
  'switch',
  'tag',
  'tags',
  'tree',
] as const;

export type PageWord = (typeof PAGE_WORDS)[number];

/** The URL of the relay: the base URL as `ws://` or `wss://`. */
export function relayUrl(base: string): string {
  return base.replace(/^http/i, 'ws');
}

/**
 * The canonical form of a repository's URL: scheme and host in lower case, no default port, path segments encoded uniformly,
 * no slash and no `.git` at the end.
 * @returns undefined for what is not an http or https URL, or has a user, a query or a fragment
 */
export function canonicalRepositoryUrl(text: string): string | undefined {
  return canonicalUrl(text, /^https?:$/)?.replace(/\.git$/, '');
}

/** The canonical form of a relay's URL, like {@link canonicalRepositoryUrl}, for `ws` and `wss`. */
export function canonicalRelayUrl(text: string): string | undefined {
  return canonicalUrl(text, /^wss?:$/);
}

function canonicalUrl(text: string, scheme: RegExp): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !scheme.test(url.protocol)) return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  const path = canonicalPath(url.pathname);
  return path === undefined ? undefined : `${url.protocol}//${url.host}${path}`;
}

/** @returns undefined when it is not percent-encoded UTF-8 */
function canonicalPath(path: string): string | undefined {
  const parts = path.replace(/\/$/, '').split('/');
  try {
    return parts.map((part) => encodeURIComponent(decodeURIComponent(part))).join('/');
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
