import { CairnError } from '../../lib/errors.ts';
import { parsePublicKey } from '../../nostr/public-key.ts';
import { type RepositoryId, repositoryId } from '../../repository/repository-id.ts';

const FORM = /^\/api\/v1\/repositories\/([^/]+)\/([^/]+)\/fossil-password$/;

/**
 * Parses `/api/v1/repositories/<npub or hex>/<identifier>/fossil-password`. The identifier is decoded once.
 * @param path the raw path of the request, without its query
 * @throws CairnError `not-found` for a path of another form; `invalid` when owner or identifier break a rule
 */
export function parseFossilPasswordPath(path: string): RepositoryId {
  const [, owner, identifier] = FORM.exec(path) ?? [];
  if (owner === undefined || identifier === undefined) {
    throw new CairnError('not-found', 'there is nothing at this path');
  }
  const key = parsePublicKey(owner);
  if (key === undefined) {
    throw new CairnError(
      'invalid',
      'the owner is neither an npub nor a public key of 64 lower-case hex characters',
    );
  }
  try {
    return repositoryId(key, decodeURIComponent(identifier));
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new CairnError('invalid', 'the identifier is not valid percent-encoded UTF-8');
  }
}
