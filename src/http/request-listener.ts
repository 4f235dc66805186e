import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Logger } from '../observability/logger.ts';
import { gitTarget } from './git/git-path.ts';
import type { HttpApps } from './http-apps.ts';
import type { RequestBindings } from './http-env.ts';
import { pathOf } from './request-target.ts';

/** The host in hono's URL for a request without a `Host` header, which HTTP/1.0 allows. No response depends on it. */
const HOSTNAME = 'localhost';

/**
 * Lets hono apps answer the requests of a Node server.
 *
 * Git's app is called directly: its handlers read Node's request and write Node's response themselves. All other requests go
 * through hono's adapter for Node, unless their answer is kept.
 *
 * @returns a listener that resolves when the response has been written or given up, and never rejects
 */
export function requestListener(
  apps: HttpApps,
  log: Logger,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  const standIns = new Map<string, Request>();
  /** A request with nothing but the method of another one. */
  const standIn = ({ method = 'GET' }: IncomingMessage): Request => {
    let request = standIns.get(method);
    if (request === undefined) {
      // `Request` does not allow TRACE. No route has TRACE or DELETE, so both get the same response.
      request = new Request(`http://${HOSTNAME}/`, { method: method === 'TRACE' ? 'DELETE' : method });
      standIns.set(method, request);
    }
    return request;
  };
  const answerOther = (env: RequestBindings): Promise<void> => {
    const listener = getRequestListener((request: Request) => apps.others.fetch(request, env), {
      // Middleware handles bodies that nobody reads.
      autoCleanupIncoming: false,
      hostname: HOSTNAME,
      // hono cannot make a URL of some requests: `Host: a b`, `OPTIONS *`, a backslash in the path.
      errorHandler: (error) => {
        if (!(error instanceof RequestError)) throw error;
        return apps.others.fetch(standIn(env.incoming), { ...env, urlIsMadeUp: true });
      },
    });
    return listener(env.incoming, env.outgoing);
  };

  return async (incoming, outgoing) => {
    const path = pathOf(incoming);
    const target = gitTarget(path);
    const git = target?.endpoint === 'other' && asksForPage(incoming) ? undefined : target;
    const afterAnswer: (() => void)[] = [];
    try {
      if (git === undefined) {
        const env = { incoming, outgoing, path, git, afterAnswer, urlIsMadeUp: false };
        if (!(await apps.kept?.(env))) await answerOther(env);
      } else {
        await apps.git.fetch(standIn(incoming), { incoming, outgoing, path, git, afterAnswer });
      }
    } catch (error) {
      // The apps answer all errors. Only something thrown that is not an `Error` comes here.
      log.error({ path: incoming.url, err: error }, 'request failed');
      outgoing.destroy();
    }
    for (const call of afterAnswer) call();
  };
}

/**
 * Whether a person or a program asks for a page: git names no such type. Where there is no page, they get an answer that they can
 * read, and not a word about git's protocol.
 */
function asksForPage({ method, headers }: IncomingMessage): boolean {
  return (
    (method === 'GET' || method === 'HEAD') &&
    /\b(?:text\/html|application\/json)\b/i.test(headers.accept ?? '')
  );
}
