import { isCairnError } from '../../lib/errors.ts';
import { parsePublicKey } from '../../nostr/public-key.ts';
import { type RepositoryId, repositoryId } from '../../repository/repository-id.ts';

const FORM = /^\/fossil\/([^/]+)\/([^/]+)\/?$/;

/**
 * Parses `/fossil/<npub or hex>/<identifier>`, the one URL of a Fossil repository: clients send every request to it.
 * @param path the raw path, whose identifier is decoded here once
 * @returns undefined if no repository can have this path
 */
export function parseFossilPath(path: string): RepositoryId | undefined {
  const [, owner = '', identifier = ''] = FORM.exec(path) ?? [];
  const key = parsePublicKey(owner);
  if (key === undefined) return undefined;
  try {
    return repositoryId(key, decodeURIComponent(identifier));
  } catch (error) {
    if (error instanceof URIError || isCairnError(error, 'invalid')) return undefined;
    throw error;
  }
}
