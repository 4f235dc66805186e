import type { MiddlewareHandler } from 'hono';
import { CairnError } from '../../lib/errors.ts';
import type { HttpEnv, RequestBindings } from '../http-env.ts';
import { queryOf } from '../request-target.ts';
import { NO_CACHE } from './git-output.ts';

const TEXT =
  'the URL names no repository: expected /git/<owner>/<identifier>.git, the owner by npub or by 64 hex characters';

/** The error for a git request whose URL has too few parts: `/git/<owner>`. It says nothing about any repository. */
export function namesNoRepository(): CairnError {
  return new CairnError('not-found', TEXT);
}

/**
 * Answers git commands outside the URL spaces of git (`/team/tool.git`, as other hosts have it). Git shows a plain text to its
 * user, but not a page.
 */
export const explainPaths: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (!isGitCommand(c.env)) return next();
  return c.text(`${TEXT}\n`, 404, NO_CACHE);
};

/** Whether a request is the first one of a git command, whatever its path stands for. */
export function isGitCommand({ incoming, path }: Pick<RequestBindings, 'incoming' | 'path'>): boolean {
  return path.endsWith('/info/refs') && (queryOf(incoming).get('service')?.startsWith('git-') ?? false);
}
