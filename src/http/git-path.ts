import { CairnError } from '../lib/errors.ts';
import { parsePublicKey } from '../nostr/public-key.ts';
import { type RepositoryId, repositoryId } from '../repository/repository-id.ts';

/** A path of the git URL space: which repository, and what of it is asked for (`info/refs`, `git-upload-pack`, …). */
export interface GitPath {
  readonly id: RepositoryId;
  readonly endpoint: string;
}

/**
 * Reads `/git/<npub or hex>/<identifier>[.git]/<endpoint>`. The identifier is decoded exactly once, from the raw path:
 * what is still encoded after that is part of the name.
 *
 * @param path the raw path of the request, without its query
 * @throws CairnError `invalid` when owner or identifier break a rule; `not-found` when it has another shape
 */
export function parseGitPath(path: string): GitPath {
  const [empty, space, owner, identifier, ...rest] = path.split('/');
  if (
    empty !== '' ||
    space !== 'git' ||
    owner === undefined ||
    identifier === undefined ||
    rest.length === 0
  ) {
    throw new CairnError('not-found', 'not a repository: expected /git/<owner>/<identifier>.git');
  }
  const publicKey = parsePublicKey(owner);
  if (publicKey === undefined) {
    throw new CairnError(
      'invalid',
      'the owner in the URL is neither an npub nor a public key of 64 lower-case hex characters',
    );
  }
  const name = decodeOnce(identifier);
  return {
    id: repositoryId(publicKey, name.endsWith('.git') ? name.slice(0, -4) : name),
    endpoint: rest.join('/'),
  };
}

function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CairnError(
      'invalid',
      'the repository identifier in the URL is not valid percent-encoded UTF-8',
    );
  }
}
