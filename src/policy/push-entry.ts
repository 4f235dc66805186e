/**
 * How a server is run:
 * - `signed`: pushes are authorized by signatures
 * - `read-only`: nobody may push
 * - `open`: anyone may push, and a push to a missing repository creates it; for development
 */
export type AccessMode = 'signed' | 'open' | 'read-only';

/**
 * The two kinds of URL a repository has:
 * - `git`: `/git/<owner>/<identifier>.git`, where a push needs the token of a key that may write
 * - `grasp`: `/<npub>/<identifier>.git`, where a push needs a signed state that it applies (GRASP-01)
 */
export type UrlSpace = 'git' | 'grasp';

export type PushEntry =
  /** What authorizes the push once its commands are known. */
  | { readonly allow: true; readonly by: 'anyone' | 'key' | 'signed-state' }
  | { readonly allow: false; readonly answer: 'unauthenticated' | 'forbidden'; readonly reason: string };

/**
 * Decides whether a push may begin, before its commands are known.
 * @param signedIn whether the sender has shown a key
 */
export function decidePushEntry(mode: AccessMode, space: UrlSpace, signedIn: boolean): PushEntry {
  if (mode === 'read-only') return { allow: false, answer: 'forbidden', reason: 'this server is read-only' };
  if (mode === 'open') return { allow: true, by: 'anyone' };
  if (space === 'grasp') return { allow: true, by: 'signed-state' };
  if (signedIn) return { allow: true, by: 'key' };
  return {
    allow: false,
    answer: 'unauthenticated',
    reason: 'a push needs a token signed by the owner or a maintainer',
  };
}
