import { isCairnError } from '../lib/errors.ts';
import { parsePublicKey } from '../nostr/public-key.ts';
import { type RepositoryId, repositoryId } from '../repository/repository-id.ts';

/**
 * Parses the path of a Fossil repository's page, which is its URL: `/fossil/<npub or hex>/<identifier>`.
 * @param path the raw path, which is decoded here once
 * @returns undefined if no repository can have this path
 */
export function readFossilPagePath(path: string): RepositoryId | undefined {
  const [, owner = '', encoded = ''] = /^\/fossil\/([^/]+)\/([^/]+)\/?$/.exec(path) ?? [];
  return idOf(owner, encoded);
}

/**
 * Parses the path of a git repository's page. The page has the URLs that git uses: `/<npub>/<identifier>[.git]` and
 * `/git/<npub or hex>/<identifier>[.git]`, with an optional slash at the end.
 *
 * @param path the raw path, which is decoded here once
 * @returns undefined if no repository can have this path
 */
export function readPagePath(path: string): RepositoryId | undefined {
  const [, owner, encoded] =
    /^\/(?:git\/(?=npub1|[0-9a-f]{64}\/)|(?=npub1))([^/]+)\/([^/]+)\/?$/.exec(path) ?? [];
  return owner === undefined || encoded === undefined ? undefined : idOf(owner, encoded, '.git');
}

/** @param suffix of the encoded identifier that is not part of it */
function idOf(owner: string, encoded: string, suffix = ''): RepositoryId | undefined {
  const publicKey = parsePublicKey(owner);
  if (publicKey === undefined) return undefined;
  try {
    const name = decodeURIComponent(encoded);
    const cut = suffix !== '' && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
    return repositoryId(publicKey, cut);
  } catch (error) {
    if (error instanceof URIError || isCairnError(error, 'invalid')) return undefined;
    throw error;
  }
}
