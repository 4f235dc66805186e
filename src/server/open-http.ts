import type { Secrets } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import { AdminServer } from '../http/admin-server.ts';
import { ConnectionMemory } from '../http/clients/connection-memory.ts';
import { Health } from '../http/health-routes.ts';
import type { FossilAppContext } from '../http/http-apps.ts';
import { httpLimits } from '../http/http-limits.ts';
import { HttpServer } from '../http/server.ts';
import type { Clock } from '../lib/clock.ts';
import type { ClosingStack } from '../lib/closing-stack.ts';
import type { Random } from '../lib/random.ts';
import type { KeptMirrors } from '../mirror/kept/kept-mirrors.ts';
import type { Verifier } from '../nostr/verify.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Repositories } from '../repository/repositories.ts';
import { FETCH_REQUEST_BYTES } from '../transfer/fetch/upload-post.ts';
import { headMemory } from '../transfer/push/head.ts';
import type { OpenedPages } from './open-pages.ts';
import type { OpenedRelay } from './open-relay.ts';
import type { OpenedSessions } from './open-sessions.ts';
import type { OpenedTransfer } from './open-transfer.ts';
import { checkReady } from './stores.ts';

export interface HttpParts {
  readonly settings: Settings;
  readonly secrets: Secrets;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Everything that is needed to answer requests. */
export interface ServedParts extends HttpParts {
  /** The public base URL, without a trailing slash. */
  readonly base: string;
  readonly stores: ObjectStorePair;
  readonly repositories: Repositories;
  readonly transfer: OpenedTransfer;
  readonly relay: OpenedRelay;
  readonly pages: Pick<OpenedPages, 'routes' | 'kept' | 'precedence'>;
  /** What people do with mirrors; undefined where none are kept. */
  readonly mirrors: KeptMirrors | undefined;
  readonly fossil: FossilAppContext;
  readonly sessions: OpenedSessions;
  readonly verifier: Verifier;
  readonly clock: Clock;
  /** Breaks off downloads, because a request that waits for one does not notice that its client has gone. */
  readonly breakOff: () => Promise<void>;
}

/** A server that listens but does not answer yet. Its URL is known before the parts that depend on it are opened. */
export interface ListeningHttp {
  readonly server: HttpServer;
  /** The URL under which the server can be reached, for example `http://127.0.0.1:8080`. */
  readonly url: string;
}

/**
 * Starts to listen.
 * @param stack closes it
 * @throws CairnError `unavailable` when the address is in use or not allowed
 */
export async function listenHttp(parts: HttpParts, stack: ClosingStack): Promise<ListeningHttp> {
  const { settings, secrets, random, log, metrics } = parts;
  const server = new HttpServer({
    log,
    metrics,
    random,
    limits: httpLimits(settings),
    ...(secrets.tls === undefined ? {} : { tls: secrets.tls }),
  });
  stack.defer(() => server.close());
  return { server, url: await server.listen(settings.listen.host, settings.listen.port) };
}

/**
 * Starts to answer requests, those of operators first.
 * @param stack lets running requests finish within the grace period, then closes both servers
 * @returns the URL for operators, if they have a separate address
 * @throws CairnError `unavailable` when the address for operators is in use or not allowed
 */
export async function serveHttp(
  server: HttpServer,
  parts: ServedParts,
  stack: ClosingStack,
): Promise<string | undefined> {
  const { settings, log, metrics, stores, repositories, transfer, relay, base, verifier, clock } = parts;
  let stopping = false;
  const health = new Health({
    metrics,
    checkStore: () => checkReady(stores),
    stopping: () => stopping,
    log,
  });
  let adminUrl: string | undefined;
  if (settings.adminListen !== undefined) {
    const admin = await AdminServer.listen(settings.adminListen, health.operatorRoutes());
    // Below the public server on the stack, so that operators can watch that one stop.
    stack.defer(() => admin[Symbol.asyncDispose]());
    adminUrl = admin.url;
  }
  const others = health.publicRoutes({ metrics: adminUrl === undefined });
  others.route('/', parts.pages.routes);
  const { kept } = parts.pages;
  stack.defer(async () => {
    stopping = true;
    const cut = setTimeout(() => {
      server.closeAll();
      // The stack also breaks off downloads, and reports failures.
      parts.breakOff().catch(() => undefined);
    }, settings.shutdownGrace);
    await server.close();
    clearTimeout(cut);
  });
  server.serve({
    precedence: parts.pages.precedence,
    git: {
      repositories,
      fossil: parts.fossil.repositories,
      advertiser: transfer.advertiser,
      connections: new ConnectionMemory(),
      access: settings.access,
      base,
      verifier,
      clock,
      staysPublic: relay.staysPublic,
      fetchRequestBytes: FETCH_REQUEST_BYTES,
      headMemory: headMemory(),
      fetch: transfer.fetch,
      push: transfer.push,
    },
    mirrors: {
      repositories,
      mirrors: parts.mirrors,
      access: settings.access,
      base,
      verifier,
      clock,
    },
    signInLinks: {
      signIns: parts.sessions.sessions === undefined ? undefined : parts.sessions.signIns,
      admit: parts.sessions.admit,
      base,
      verifier,
      clock,
    },
    fossil: parts.fossil,
    others,
    ...(kept && { kept: (request) => kept.answer(request) }),
    relay: relay.sockets,
  });
  return adminUrl;
}
