import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono, type MiddlewareHandler } from 'hono';
import type { Precedence } from '../lib/precedence.ts';
import type { Random } from '../lib/random.ts';
import type { Verifier } from '../nostr/verify.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { fossilPasswordRoutes } from './api/fossil-password-routes.ts';
import { smallBody } from './api/json-api.ts';
import { type MirrorRoutesContext, mirrorRoutes } from './api/mirror-routes.ts';
import { type SignInLinkRoutesContext, signInLinkRoutes } from './api/sign-in-link-routes.ts';
import { type FossilRoutesContext, fossilRoutes } from './fossil/fossil-routes.ts';
import type { GitRoutesContext } from './git/git-request.ts';
import { explainPaths } from './git/no-repository.ts';
import { gitRoutes } from './git-routes.ts';
import type { GitEnv, HttpEnv, RequestBindings } from './http-env.ts';
import type { HttpLimits } from './http-limits.ts';
import { type KeptAnswers, keptAnswers } from './kept-answers.ts';
import { crossOrigin, crossOriginHeaders } from './middleware/cross-origin.ts';
import { endWithUnreadBody } from './middleware/end-with-unread-body.ts';
import type { Expectations } from './middleware/expectation.ts';
import { observe } from './middleware/observe.ts';
import { RequestSlots } from './middleware/request-slots.ts';
import { takePrecedence } from './middleware/take-precedence.ts';
import { watchClient } from './middleware/watch-client.ts';
import { RequestLog } from './request-log.ts';

/** The routes of the server. */
export interface HttpRoutes {
  readonly git: GitRoutesContext;
  /** Absent: there are no routes for mirrors. */
  readonly mirrors?: MirrorRoutesContext;
  /** Absent: no browser can be signed in by a link. */
  readonly signInLinks?: SignInLinkRoutesContext;
  /** Absent: no Fossil repositories are served. */
  readonly fossil?: FossilAppContext;
  /** Gives requests of git and Fossil priority over pages. Absent: it does not. */
  readonly precedence?: Precedence;
  /** All routes but those of repositories. */
  readonly others: Hono;
  /** Finds answers of the other routes that are kept. Absent: none are. */
  readonly kept?: KeptAnswers;
}

/** What serves Fossil repositories: their clients, and keys that want a password for one. */
export interface FossilAppContext extends FossilRoutesContext {
  readonly verifier: Verifier;
}

/** Two apps, so that a git request is compared with git's routes only. */
export interface HttpApps {
  readonly git: Hono<GitEnv>;
  readonly others: Hono<HttpEnv>;
  /** Answers what the other app would only find again. @returns whether it has answered */
  readonly kept?: (env: RequestBindings) => Promise<boolean>;
}

export interface HttpAppsContext {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random: Random;
  readonly limits: HttpLimits;
  readonly expectations: Expectations;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Makes the apps that answer all HTTP requests, with their middleware. */
export function httpApps(context: HttpAppsContext, routes: HttpRoutes): HttpApps {
  const { log, metrics, limits, now } = context;
  const requestSlots = new RequestSlots(
    { all: limits.requests, perAddress: limits.requestsPerAddress },
    (limit) => metrics.clientsRefused.inc({ limit }),
  );
  const onTooSlow = () => metrics.clientsRefused.inc({ limit: 'pace' });
  const clientOptions = { ...limits, onTooSlow, now };
  const requestLog = new RequestLog(context);
  const observed = [watchClient(clientOptions), observe(requestLog, now)];
  const readable = crossOrigin(routes.git.access);
  const first = takePrecedence(routes.precedence);
  const mirrors: Hono<HttpEnv> =
    routes.mirrors === undefined
      ? new Hono<HttpEnv>()
      : mirrorRoutes(routes.mirrors, { ...context, requestSlots });
  const signInLinks: Hono<HttpEnv> =
    routes.signInLinks === undefined
      ? new Hono<HttpEnv>()
      : signInLinkRoutes(routes.signInLinks, { ...context, requestSlots });
  const fossil = fossilApp(routes.fossil, { ...context, requestSlots }, first);
  return {
    git: gitRoutes({ ...routes.git, ...context }, requestSlots, [...observed, readable, first]),
    others: new Hono<HttpEnv>()
      .use(...observed, endWithUnreadBody, readable)
      .use(async (c, next) => (c.env.urlIsMadeUp ? c.body(null, 400) : next()))
      .use((c, next) => {
        c.set('smallBody', () => smallBody(c, context.expectations));
        c.set('breakOff', (error) => {
          c.set('trouble', error);
          const client = c.get('client').address;
          log.error(
            { requestId: c.get('requestId'), client, path: c.env.incoming.url, err: error },
            'answer broken off',
          );
          c.env.outgoing.destroy();
        });
        return next();
      })
      .route('/', fossil)
      .route('/', signInLinks)
      .route('/', mirrors)
      .use(explainPaths)
      .route('/', routes.others)
      .onError((error, c) => {
        const requestId = c.get('requestId');
        log.error({ requestId, path: c.env.incoming.url, err: error }, 'request failed');
        c.env.outgoing.destroy();
        return RESPONSE_ALREADY_SENT;
      }),
    ...(routes.kept === undefined
      ? {}
      : {
          kept: keptAnswers({
            requestLog,
            clientOptions,
            headers: crossOriginHeaders(routes.git.access),
            find: routes.kept,
          }),
        }),
  };
}

function fossilApp(
  fossil: FossilAppContext | undefined,
  server: HttpAppsContext & { readonly requestSlots: RequestSlots },
  first: MiddlewareHandler<HttpEnv>,
): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  if (fossil === undefined) return app;
  app.use('/fossil/*', (c, next) => (c.req.method === 'POST' ? first(c, next) : next()));
  return app.route('/', fossilRoutes(fossil, server)).route('/', fossilPasswordRoutes(fossil, server));
}
