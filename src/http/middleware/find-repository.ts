import type { MiddlewareHandler } from 'hono';
import { parseGitPath } from '../git/git-path.ts';
import type { GitContext } from '../git/git-request.ts';
import { refuse } from '../git/receive-pack.ts';
import type { GitEnv } from '../http-env.ts';

/** Finds the repository that a path names, whether it exists or not. Refuses a path that cannot name one. */
export function findRepository(context: GitContext): MiddlewareHandler<GitEnv> {
  return async (c, next) => {
    try {
      const { id, space } = parseGitPath(c.env.path);
      c.set('space', space);
      c.set('repository', context.repositories.get(id));
    } catch (reason) {
      return refuse(context, c, reason);
    }
    return next();
  };
}
