/**
 * How a server is run:
 * - `signed`: pushes are authorized by signatures
 * - `read-only`: nobody may push
 * - `open`: anyone may, and a push to a repository that is not there makes it; for development
 */
export type AccessMode = 'signed' | 'open' | 'read-only';

/**
 * The two kinds of URL a repository has:
 * - `git`: `/git/<owner>/<identifier>.git`, where a push needs the token of a key that may write
 * - `grasp`: `/<npub>/<identifier>.git`, where a push needs a signed state that it carries out (GRASP-01)
 */
export type UrlSpace = 'git' | 'grasp';

export type PushEntry =
  /** What the right of a push is measured by, once its commands are known. */
  | { readonly allow: true; readonly by: 'anyone' | 'key' | 'order' }
  | { readonly allow: false; readonly answer: 'unauthenticated' | 'forbidden'; readonly reason: string };

/**
 * Decides whether a push may begin at all, before it is known what it is about.
 * @param signedIn whether its sender has shown who he is
 */
export function decidePushEntry(mode: AccessMode, space: UrlSpace, signedIn: boolean): PushEntry {
  if (mode === 'read-only') return { allow: false, answer: 'forbidden', reason: 'this server is read-only' };
  if (mode === 'open') return { allow: true, by: 'anyone' };
  if (space === 'grasp') return { allow: true, by: 'order' };
  if (signedIn) return { allow: true, by: 'key' };
  return {
    allow: false,
    answer: 'unauthenticated',
    reason: 'a push needs a token signed by the owner or a maintainer',
  };
}
