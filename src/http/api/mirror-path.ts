import { CairnError } from '../../lib/errors.ts';
import { parsePublicKey, publicKeyProblem } from '../../nostr/public-key.ts';
import { type RepositoryId, repositoryId } from '../../repository/repository-id.ts';

/** What may be done to a mirror with POST. */
export const MIRROR_ACTIONS = ['remove', 'run', 'pause', 'resume', 'credential'] as const;
export type MirrorAction = (typeof MIRROR_ACTIONS)[number];

/** What a path is about: all mirrors of a repository, one, or something to do to one. */
export interface MirrorPath {
  readonly id: RepositoryId;
  readonly name: string | undefined;
  readonly action: MirrorAction | undefined;
}

const FORM = /^\/api\/v1\/repositories\/([^/]+)\/([^/]+)\/mirrors(?:\/([a-z0-9-]{1,63})(?:\/([a-z]+))?)?$/;

/**
 * Parses `/api/v1/repositories/<npub or hex>/<identifier>/mirrors[/<name>[/<action>]]`. The identifier is decoded once.
 * @param path the raw path of the request, without its query
 * @throws CairnError `not-found` for a path of another form; `invalid` when owner or identifier break a rule
 */
export function parseMirrorPath(path: string): MirrorPath {
  const [, owner = '', identifier = '', name, word] = FORM.exec(path) ?? [];
  const action = MIRROR_ACTIONS.find((known) => known === word);
  if (owner === '' || (word !== undefined && action === undefined)) {
    throw new CairnError('not-found', 'there is nothing at this path');
  }
  const key = parsePublicKey(owner);
  if (key === undefined) {
    throw new CairnError('invalid', `the owner ${publicKeyProblem(owner)}`);
  }
  return { id: repositoryId(key, decodeOnce(identifier)), name, action };
}

function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CairnError('invalid', 'the identifier is not valid percent-encoded UTF-8');
  }
}
