import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Logger } from '../observability/logger.ts';
import { gitTarget } from './git/git-path.ts';
import type { HttpApps } from './http-apps.ts';
import type { RequestBindings } from './http-env.ts';
import { splitUrl } from './request-target.ts';

/** The host of hono's URL for a request without one, as HTTP/1.0 allows. Nothing depends on it. */
const HOSTNAME = 'localhost';

/**
 * Lets hono apps answer the requests of a Node server.
 *
 * Git's app is called directly. Its handlers read Node's request and write Node's response, so nothing is to be made of the
 * one, and nothing to be written after the other. All other requests go through hono's adapter for Node.
 *
 * @returns a listener that resolves when the answer has been written or given up, and never rejects
 */
export function requestListener(
  apps: HttpApps,
  log: Logger,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  const standIns = new Map<string, Request>();
  /** A request that has nothing but the method of another one. */
  const standIn = ({ method = 'GET' }: IncomingMessage): Request => {
    let request = standIns.get(method);
    if (request === undefined) {
      // `Request` cannot have TRACE. No route has it or DELETE, so both get the same answer.
      request = new Request(`http://${HOSTNAME}/`, { method: method === 'TRACE' ? 'DELETE' : method });
      standIns.set(method, request);
    }
    return request;
  };
  const answerOther = (env: RequestBindings): Promise<void> => {
    const listener = getRequestListener((request: Request) => apps.others.fetch(request, env), {
      // Middleware sees to bodies that nobody reads.
      autoCleanupIncoming: false,
      hostname: HOSTNAME,
      // hono can make no URL of the request: `Host: a b`, `OPTIONS *`, a backslash in the path.
      errorHandler: (error) => {
        if (!(error instanceof RequestError)) throw error;
        return apps.others.fetch(standIn(env.incoming), { ...env, urlIsMadeUp: true });
      },
    });
    return listener(env.incoming, env.outgoing);
  };

  return async (incoming, outgoing) => {
    const { path } = splitUrl(incoming);
    const git = gitTarget(path);
    const afterAnswer: (() => void)[] = [];
    try {
      if (git === undefined) {
        await answerOther({ incoming, outgoing, path, git, afterAnswer, urlIsMadeUp: false });
      } else {
        await apps.git.fetch(standIn(incoming), { incoming, outgoing, path, git, afterAnswer });
      }
    } catch (error) {
      // The apps answer every error. What comes here was thrown, but is no error.
      log.error({ path: incoming.url, err: error }, 'request failed');
      outgoing.destroy();
    }
    for (const call of afterAnswer) call();
  };
}
