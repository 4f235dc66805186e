import type { Secrets } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import { AdminServer } from '../http/admin-server.ts';
import { ConnectionMemory } from '../http/clients/connection-memory.ts';
import { Health } from '../http/health-routes.ts';
import { httpLimits } from '../http/http-limits.ts';
import { HttpServer } from '../http/server.ts';
import type { Clock } from '../lib/clock.ts';
import type { ClosingStack } from '../lib/closing-stack.ts';
import type { Random } from '../lib/random.ts';
import type { Verifier } from '../nostr/verify.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Repositories } from '../repository/repositories.ts';
import { FETCH_REQUEST_BYTES } from '../transfer/fetch/question.ts';
import { headMemory } from '../transfer/push/head.ts';
import { webRoutes } from '../web/web-routes.ts';
import type { OpenedRelay } from './open-relay.ts';
import type { OpenedTransfer } from './open-transfer.ts';
import { checkReady } from './stores.ts';

export interface HttpParts {
  readonly settings: Settings;
  readonly secrets: Secrets;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Everything that requests are answered with. */
export interface ServedParts extends HttpParts {
  /** The public base URL, without a slash at its end. */
  readonly base: string;
  readonly stores: ObjectStorePair;
  readonly repositories: Repositories;
  readonly transfer: OpenedTransfer;
  readonly relay: OpenedRelay;
  readonly verifier: Verifier;
  readonly clock: Clock;
  /** Breaks off downloads: requests that wait for one do not hear that their clients have gone. */
  readonly breakOff: () => Promise<void>;
}

/** A server that listens, and answers nothing yet: its URL is known before anything that depends on it is opened. */
export interface ListeningHttp {
  readonly server: HttpServer;
  /** Where it is reached, for example `http://127.0.0.1:8080`. */
  readonly url: string;
}

/**
 * Starts listening.
 * @param stack closes it
 * @throws CairnError `unavailable` when the address is taken or not ours
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
 * Begins to answer requests, those of operators first.
 * @param stack lets requests that are under way finish within the grace period, then closes both servers
 * @returns where operators ask, if that is a place of its own
 * @throws CairnError `unavailable` when the address for operators is taken or not ours
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
    // Below the public server on the stack: operators see how that one stops.
    stack.defer(() => admin[Symbol.asyncDispose]());
    adminUrl = admin.url;
  }
  const others = health.publicRoutes({ metrics: adminUrl === undefined });
  const pages = webRoutes({
    repositories,
    events: relay.events,
    visible: (event) => relay.directory.visible(event, new Set()),
    base,
    access: settings.access,
    information: relay.information,
    clock,
    log,
  });
  others.route('/', pages);
  stack.defer(async () => {
    stopping = true;
    const cut = setTimeout(() => {
      server.closeAll();
      // The stack breaks off downloads, too, and reports what fails then.
      parts.breakOff().catch(() => undefined);
    }, settings.shutdownGrace);
    await server.close();
    clearTimeout(cut);
  });
  server.serve({
    git: {
      repositories,
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
    others,
    relay: relay.sockets,
  });
  return adminUrl;
}
