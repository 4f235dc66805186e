import { FossilViews } from '../browse/fossil/fossil-views.ts';
import { RepositoryViews } from '../browse/repository-views.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import type { Git } from '../git-process/git.ts';
import { AdminServer } from '../http/admin-server.ts';
import { ConnectionMemory } from '../http/clients/connection-memory.ts';
import { Health } from '../http/health-routes.ts';
import type { FossilAppContext } from '../http/http-apps.ts';
import { httpLimits } from '../http/http-limits.ts';
import { HttpServer } from '../http/server.ts';
import type { Clock } from '../lib/clock.ts';
import type { ClosingStack } from '../lib/closing-stack.ts';
import { Precedence } from '../lib/precedence.ts';
import type { Random } from '../lib/random.ts';
import type { KeptMirrors } from '../mirror/kept/kept-mirrors.ts';
import type { Verifier } from '../nostr/verify.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Repositories } from '../repository/repositories.ts';
import { repositoryId } from '../repository/repository-id.ts';
import type { ResponseCache } from '../transfer/fetch/response-cache.ts';
import { FETCH_REQUEST_BYTES } from '../transfer/fetch/upload-post.ts';
import { headMemory } from '../transfer/push/head.ts';
import type { PageDisk } from '../web/code/page-disk.ts';
import { RenderPool } from '../web/render/render-pool.ts';
import { webRoutes } from '../web/web-routes.ts';
import { openDownloads } from './open-downloads.ts';
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
  /** Runs git for pages. */
  readonly git: Git;
  /** States of repositories for which git stays when no page is asked for. */
  readonly idleKept: number;
  /** Keeps archives and large files. */
  readonly downloads: ResponseCache;
  readonly pages: PageDisk;
  /** What people do with mirrors; undefined where none are kept. */
  readonly mirrors: KeptMirrors | undefined;
  readonly fossil: FossilAppContext;
  readonly sessions: OpenedSessions;
  readonly verifier: Verifier;
  readonly clock: Clock;
  /** Breaks off downloads, because a request that waits for one does not notice that its client has gone. */
  readonly breakOff: () => Promise<void>;
}

/** Pages at once, pages that wait, and milliseconds for one and for an idle git process. */
const PAGES = { slots: 2, queue: 64, timeLimit: 20_000, idle: 30_000 };

/** Pages wait while a git request is in its first seconds, and a moment after it, for a quarter of a second at most. In milliseconds. */
const FIRST = { protects: 3_000, lingers: 100, patience: 250 };

/**
 * Threads that render for pages: one for each page at once. Ordinary texts take milliseconds. A hostile one takes all of the time
 * limit, and is then shown as it is. A thread stays while somebody reads a page: a new one loads and compiles for 200 ms.
 */
const RENDERING = { workers: PAGES.slots, queue: 64, timeLimit: 2_500, memory: 160, idle: 120_000 };

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
  const precedence = new Precedence({ ...FIRST, clock });
  const views = new RepositoryViews({
    git: parts.git,
    idleKept: parts.idleKept,
    ...PAGES,
    standBack: () => precedence.standBack(),
  });
  // Above the server on the stack: requests that still run need it.
  stack.defer(() => views.close());
  stack.defer(() => parts.downloads.close());
  stack.defer(() => parts.pages.close());
  const renderer = new RenderPool(RENDERING);
  stack.defer(() => renderer.close());
  const pages = webRoutes({
    repositories,
    views,
    downloads: openDownloads(settings, parts.downloads, views),
    disk: parts.pages,
    renderer,
    fossil: parts.fossil.repositories,
    fossilViews: new FossilViews({ ...PAGES, standBack: () => precedence.standBack() }),
    events: relay.events,
    visible: (event) => relay.directory.visible(event, new Set()),
    receiptKey: (owner, identifier) => relay.service.signerOf(repositoryId(owner, identifier)).publicKey,
    discussions: { discussions: relay.discussions, history: relay.refHistory },
    base,
    access: settings.access,
    information: relay.information,
    signIn: { ...parts.sessions, verifier },
    clock,
    log,
  });
  others.route('/', pages);
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
    precedence,
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
    relay: relay.sockets,
  });
  return adminUrl;
}
