import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import type { GitEnv } from '../http-env.ts';
import { NO_CACHE } from './git-output.ts';

/** Type of all answers of the Git LFS API. */
const LFS_TYPE = 'application/vnd.git-lfs+json';

const MESSAGE =
  'this server has no Git LFS: keep the files in git, or name another LFS server (git config lfs.url <url>)';

/**
 * Answers requests of the Git LFS API, alike for every repository. With status 501 `git lfs` does without locks, and shows the
 * message to its user.
 * @see https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md#response-errors
 */
export function answerLfs(c: Context<GitEnv>): Response {
  const { incoming, outgoing } = c.env;
  // Nobody reads the rest of the request.
  const connection = incoming.complete ? {} : { Connection: 'close' };
  outgoing.writeHead(501, { ...NO_CACHE, ...connection, 'Content-Type': LFS_TYPE });
  outgoing.end(`${JSON.stringify({ message: MESSAGE })}\n`);
  incoming.resume();
  return RESPONSE_ALREADY_SENT;
}
