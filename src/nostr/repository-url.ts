/**
 * The URLs a repository and the relay have below the public base URL of a service, which is configured and never taken
 * from a request. A base URL may have a path, and no slash at its end.
 */
import { formatNpub } from './public-key.ts';

/** Where a push needs the token of a key that may write: `<base>/git/<npub>/<identifier>.git`. */
export function gitUrl(base: string, owner: string, identifier: string): string {
  return `${base}/git/${formatNpub(owner)}/${encodeURIComponent(identifier)}.git`;
}

/** Where a push needs a signed state that it matches (GRASP-01): `<base>/<npub>/<identifier>.git`. */
export function graspUrl(base: string, owner: string, identifier: string): string {
  return `${base}/${formatNpub(owner)}/${encodeURIComponent(identifier)}.git`;
}

/** Every URL of a repository here. With or without `.git` they name the same. */
export function repositoryUrls(base: string, owner: string, identifier: string): string[] {
  return [
    gitUrl(base, owner, identifier),
    `${base}/git/${owner}/${encodeURIComponent(identifier)}.git`,
    graspUrl(base, owner, identifier),
  ];
}

/** Where the relay is: the base URL as `ws://` or `wss://`. */
export function relayUrl(base: string): string {
  return base.replace(/^http/i, 'ws');
}

/**
 * The one spelling of a repository's URL that stands for all: scheme and host in lower case, no default port, every part
 * of the path encoded in the same way, no slash and no `.git` at the end.
 * @returns undefined for what is no plain http or https URL; with a user, a query or a fragment it is not plain
 */
export function canonicalRepositoryUrl(text: string): string | undefined {
  return canonicalUrl(text, /^https?:$/)?.replace(/\.git$/, '');
}

/** The one spelling of a relay's URL, as {@link canonicalRepositoryUrl}, for `ws` and `wss`. */
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
