import { CairnError } from '../../lib/errors.ts';
import { parsePublicKey, publicKeyProblem } from '../../nostr/public-key.ts';
import { PAGE_WORDS } from '../../nostr/repository-url.ts';
import type { UrlSpace } from '../../policy/push-entry.ts';
import { type RepositoryId, repositoryId } from '../../repository/repository-id.ts';

/** The parts of a git path: the repository, the URL space, and the endpoint (`info/refs`, `git-upload-pack`, …). */
export interface GitPath {
  readonly space: UrlSpace;
  readonly id: RepositoryId;
  readonly endpoint: string;
}

/** The endpoints of git's smart HTTP protocol (gitprotocol-http). */
export const GIT_ENDPOINTS = ['info/refs', 'git-upload-pack', 'git-receive-pack'] as const;

/** The parts of a git path before the repository in it is checked. */
export interface GitTarget {
  readonly space: UrlSpace;
  /** Everything after the URL of the repository, with the slash: `/info/refs`. */
  readonly rest: string;
  /** The endpoint that the path ends in. */
  readonly endpoint: (typeof GIT_ENDPOINTS)[number] | 'other';
}

/**
 * Parses the endpoint of a git path.
 * @param path the raw path of the request, without its query
 * @returns undefined for any other path
 */
export function gitTarget(path: string): GitTarget | undefined {
  const space = gitSpace(path);
  if (space === undefined) return undefined;
  const name = path.indexOf('/', space === 'git' ? '/git/'.length : 1);
  const rest = path.slice(path.indexOf('/', name + 1));
  const endpoint = GIT_ENDPOINTS.find((known) => path.endsWith(`/${known}`)) ?? 'other';
  return { space, rest, endpoint };
}

/**
 * The URL space of a git path: one that continues after the URL of a repository. That URL itself is a page, and so is what
 * continues with a word for pages.
 * @param path the raw path of the request, without its query
 */
export function gitSpace(path: string): UrlSpace | undefined {
  if (/^\/git\/[^/]*\/[^/]*\/./.test(path)) return 'git';
  return /^\/npub1[^/]*\/[^/]*\/./.test(path) && !PAGE.test(path) ? 'grasp' : undefined;
}

const PAGE = new RegExp(`^/npub1[^/]*/[^/]*/(?:${PAGE_WORDS.join('|')})(?:/|$)`);

/**
 * Parses `/git/<npub or hex>/<identifier>[.git]/<endpoint>` and `/<npub>/<identifier>[.git]/<endpoint>`. The identifier is
 * decoded exactly once, from the raw path: what is still encoded after that is part of the name.
 *
 * @param path the raw path of the request, without its query
 * @throws CairnError `invalid` if owner or identifier break a rule; `not-found` for a path of another form
 */
export function parseGitPath(path: string): GitPath {
  const space = gitSpace(path);
  const [owner, identifier, ...rest] = path.split('/').slice(space === 'git' ? 2 : 1);
  if (space === undefined || owner === undefined || identifier === undefined) {
    throw new CairnError('not-found', 'not a repository: expected /git/<owner>/<identifier>.git');
  }
  const publicKey = parsePublicKey(owner);
  if (publicKey === undefined) {
    throw new CairnError('invalid', `the owner in the URL ${publicKeyProblem(owner)}`);
  }
  const name = decodeOnce(identifier);
  return {
    space,
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
