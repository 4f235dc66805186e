import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Handler, Hono, type MiddlewareHandler } from 'hono';
import { CairnError } from '../lib/errors.ts';
import { gitErrors } from './errors/git-errors.ts';
import { MethodNotAllowed } from './errors/method-not-allowed.ts';
import { type GitContext, GitRequest } from './git/git-request.ts';
import { infoRefs } from './git/info-refs.ts';
import { answerLfs } from './git/no-lfs.ts';
import { namesNoRepository } from './git/no-repository.ts';
import { explainKind } from './git/other-kind.ts';
import { receivePack, refuse } from './git/receive-pack.ts';
import { uploadPack } from './git/upload-pack.ts';
import type { GitEnv, HttpEnv } from './http-env.ts';
import { contentType } from './middleware/content-type.ts';
import { findRepository } from './middleware/find-repository.ts';
import type { RequestSlots } from './middleware/request-slots.ts';
import { slots } from './middleware/slots.ts';
import { untilGone } from './middleware/until-gone.ts';

/**
 * The smart HTTP protocol (gitprotocol-http): all that a git client may ask for under the URL of a repository. Routes are
 * found by what is behind that URL.
 * @param first the middleware that every request of this server passes
 */
export function gitRoutes(
  context: GitContext,
  requestSlots: RequestSlots,
  first: readonly MiddlewareHandler<HttpEnv>[],
): Hono<GitEnv> {
  const by =
    (handle: (context: GitContext, request: GitRequest) => Promise<void>): Handler<GitEnv> =>
    async (c) => {
      const request = new GitRequest(context, c);
      try {
        await handle(context, request);
      } catch (reason) {
        throw await explainKind(context, request, reason);
      }
      return RESPONSE_ALREADY_SENT;
    };
  const refusing =
    (reason: () => CairnError): Handler<GitEnv> =>
    (c) =>
      refuse(context, c, reason());

  const app = new Hono<GitEnv>({ getPath: (_, options) => options?.env?.git.rest ?? '/' });
  app.use(...first);
  app.use(untilGone, slots(requestSlots), findRepository(context));

  app.get('/info/refs', by(infoRefs));
  app.post('/git-upload-pack', contentType('application/x-git-upload-pack-request'), by(uploadPack));
  app.post('/git-receive-pack', contentType('application/x-git-receive-pack-request'), by(receivePack));

  app.all(
    '/info/refs',
    refusing(() => wrongMethod('info/refs', 'GET', 'GET, HEAD, OPTIONS')),
  );
  for (const endpoint of ['git-upload-pack', 'git-receive-pack']) {
    app.all(
      `/${endpoint}`,
      refusing(() => wrongMethod(endpoint, 'POST', 'POST, OPTIONS')),
    );
  }
  app.all('/info/lfs/*', answerLfs);
  app.all('*', (c) => refuse(context, c, c.env.git.endpoint === 'other' ? onlySmart() : namesNoRepository()));
  app.onError(gitErrors(context.log, context.base));
  return app;
}

function wrongMethod(endpoint: string, right: string, allowed: string): CairnError {
  return new MethodNotAllowed(`${endpoint} is asked for with ${right}`, allowed);
}

function onlySmart(): CairnError {
  return new CairnError(
    'not-found',
    'this server supports only the smart HTTP protocol, of git 1.6.6 and newer',
  );
}
