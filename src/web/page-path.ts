import { isCairnError } from '../lib/errors.ts';
import { parsePublicKey } from '../nostr/public-key.ts';
import { type RepositoryId, repositoryId } from '../repository/repository-id.ts';

/**
 * Parses the path of a repository's page. The page has the URLs that git uses: `/<npub>/<identifier>[.git]` and
 * `/git/<npub or hex>/<identifier>[.git]`, with an optional slash at the end.
 *
 * @param path the raw path, which is decoded here once
 * @returns undefined if no repository can have this path
 */
export function readPagePath(path: string): RepositoryId | undefined {
  const [, owner, encoded] =
    /^\/(?:git\/(?=npub1|[0-9a-f]{64}\/)|(?=npub1))([^/]+)\/([^/]+)\/?$/.exec(path) ?? [];
  if (owner === undefined || encoded === undefined) return undefined;
  const publicKey = parsePublicKey(owner);
  if (publicKey === undefined) return undefined;
  try {
    return repositoryId(publicKey, decodeURIComponent(encoded).replace(/\.git$/, ''));
  } catch (error) {
    if (error instanceof URIError || isCairnError(error, 'invalid')) return undefined;
    throw error;
  }
}
