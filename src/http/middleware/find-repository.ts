import type { MiddlewareHandler } from 'hono';
import { LruMap } from '../../lib/lru.ts';
import { type GitPath, parseGitPath } from '../git/git-path.ts';
import type { GitContext } from '../git/git-request.ts';
import { refuse } from '../git/receive-pack.ts';
import type { GitEnv } from '../http-env.ts';

/** Characters of remembered paths. */
const REMEMBERED = 1024 * 1024;

/** Finds the repository that a path names, whether it exists or not. Refuses a path that cannot name one. */
export function findRepository(context: GitContext): MiddlewareHandler<GitEnv> {
  const known = new LruMap<string, GitPath>(REMEMBERED);
  const find = (path: string): GitPath => {
    let found = known.get(path);
    if (found === undefined) {
      found = parseGitPath(path);
      known.set(path, found, path.length);
    }
    return found;
  };
  return async (c, next) => {
    try {
      const { id, space } = find(c.env.path);
      c.set('space', space);
      c.set('repository', context.repositories.get(id));
    } catch (reason) {
      return refuse(context, c, reason);
    }
    return next();
  };
}
