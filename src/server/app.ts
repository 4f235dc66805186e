/**
 * The one place where Cairn is put together, by hand. Start-up, in order, each step able to refuse with one clear line:
 *
 * 1. the cache folder is ours and can be written;
 * 2. git is there and new enough, and says what it offers;
 * 3. the object store is opened, and proves that it keeps its promises;
 * 4. repositories and use cases are built on top;
 * 5. the server listens: from here on its URL is known;
 * 6. the bucket is claimed for this service, and the event log is read;
 * 7. requests are answered.
 *
 * What was started is closed in reverse order.
 */

import { join } from 'node:path';
import type { Secrets } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import type { Git } from '../git-process/git.ts';
import { AdminServer } from '../http/admin-server.ts';
import { ConnectionMemory } from '../http/clients/connection-memory.ts';
import { Health } from '../http/health-routes.ts';
import { httpLimits } from '../http/http-limits.ts';
import { HttpServer } from '../http/server.ts';
import { settleAll } from '../lib/all-settled-or-throw.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { type Dice, systemDice } from '../lib/random.ts';
import type { FoldMode, FoldOutcome } from '../maintenance/fold/fold.ts';
import { Folding } from '../maintenance/fold/folding.ts';
import { kinds } from '../nostr/kinds.ts';
import { loadSecp256k1 } from '../nostr/secp256k1.ts';
import { createVerifier } from '../nostr/verify.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import type { Logger } from '../observability/logger.ts';
import { Metrics } from '../observability/metrics.ts';
import { ArtifactStore } from '../repository/artifact-store.ts';
import { ArtifactCache } from '../repository/cache/artifact-cache.ts';
import { rangedDownloads } from '../repository/cache/artifact-download.ts';
import { ManifestStore } from '../repository/manifest-store.ts';
import { Repositories } from '../repository/repositories.ts';
import { recencyMs } from '../repository/repository.ts';
import type { RepositoryId } from '../repository/repository-id.ts';
import { SnapshotCache } from '../repository/snapshot/snapshot-cache.ts';
import { SpliceProofs } from '../transfer/concatenation/checked-concatenations.ts';
import { GitPlaces } from '../transfer/fair-semaphore.ts';
import { Advertiser } from '../transfer/fetch/advertise-refs.ts';
import { Offload } from '../transfer/fetch/offload.ts';
import { FETCH_REQUEST_BYTES, questionMemory } from '../transfer/fetch/question.ts';
import { AnswerCache } from '../transfer/fetch/response-cache.ts';
import { learnUploadCapabilities } from '../transfer/fetch/upload-capabilities.ts';
import { headMemory } from '../transfer/push/head.ts';
import { pushLimits } from '../transfer/push/limits.ts';
import { HeightMemory } from '../transfer/push/link-heights.ts';
import { puttingAside } from '../transfer/push/pack-intake.ts';
import { strangerPushes } from '../transfer/push/stranger-push.ts';
import { webRoutes } from '../web/web-routes.ts';
import { openCacheFolder } from './cache-folder.ts';
import { logChanges } from './log-changes.ts';
import {
  answerObserver,
  cacheObserver,
  fetchObserver,
  foldObserver,
  gitObserver,
  observeStores,
  publishObserver,
  readGauges,
} from './metrics-adapters.ts';
import { openGit } from './open-git.ts';
import { type Identity, openIdentity } from './open-relay.ts';
import {
  checkReady,
  describeStore,
  type Observe,
  openProvenStores,
  openStores,
  verdictsFolder,
} from './stores.ts';
import { VERSION } from './version.ts';

/** Parts a test may put in place of the real ones; it closes them itself. */
export interface Overrides {
  readonly stores?: ObjectStorePair;
  readonly clock?: Clock;
  readonly dice?: Dice;
  /** False: nothing goes on in the background that nobody has asked for, so that requests can be counted. */
  readonly background?: boolean;
}

/** A running server. */
export interface App extends AsyncDisposable {
  /** Where it is reached, for example `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Where operators ask, if that is a place of its own. */
  readonly adminUrl: string | undefined;
  readonly metrics: Metrics;
  readonly git: Git;
  readonly repositories: Repositories;
  /** Folds a repository now; without a mode everything that is reachable in one pack. @throws as `foldRepository` */
  fold(id: RepositoryId, mode?: FoldMode): Promise<FoldOutcome>;
  /** Takes no new requests, lets running ones finish within the grace period, then closes everything. */
  close(): Promise<void>;
}

/**
 * Starts a server.
 * @throws CairnError with one line that says what is wrong and names the setting or thing at fault
 */
export async function startApp(
  settings: Settings,
  secrets: Secrets,
  log: Logger,
  overrides: Overrides = {},
): Promise<App> {
  const clock = overrides.clock ?? systemClock;
  const dice = overrides.dice ?? systemDice;
  const metrics = new Metrics();
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) {
      await close().catch((error: unknown) => log.warn({ err: error }, 'closing'));
    }
  };
  try {
    const folder = await openCacheFolder(settings.cache.folder);
    closers.push(() => folder.release());
    const { scratch } = folder;
    const opened = await openGit(settings, scratch, log, { observer: gitObserver(metrics), launches: true });
    const { git, budget } = opened;
    closers.push(() => git.close());
    const capabilities = await learnUploadCapabilities(git, scratch);
    const secp256k1 = await loadSecp256k1();
    const verifier = createVerifier(secp256k1);

    const observe: Observe = (opened) => observeStores(opened, metrics);
    const stores =
      overrides.stores === undefined
        ? await openOwnStores(settings, log, observe, closers)
        : observe(overrides.stores);

    const artifacts = new ArtifactStore({ stores, clock, dice });
    const answers = new AnswerCache({
      folder: join(settings.cache.folder, 'answers'),
      budget: settings.cache.answers,
      observer: answerObserver(metrics),
    });
    const cache = new ArtifactCache({
      folder: join(settings.cache.folder, 'artifacts'),
      budget: settings.cache.size,
      store: artifacts,
      // A file on local disk is not read faster in pieces.
      ...(settings.store.kind === 's3' ? { ranged: rangedDownloads() } : {}),
      observer: cacheObserver(metrics),
      onDiskFull: () => answers.relieve(),
    });
    // What downloads is closed together with the cache, which alone breaks downloads off; those who would tell of it first.
    const downloading = [() => cache.close()];
    let broken: Promise<unknown> | undefined;
    const breakOff = async () => {
      broken ??= settleAll(downloading.map((close) => close()));
      await broken;
    };
    closers.push(breakOff);
    const snapshots = new SnapshotCache(join(settings.cache.folder, 'snapshots'), cache);
    await Promise.all([cache.open(), snapshots.open(), answers.open()]);
    downloading.unshift(() => answers.close());
    const places = new GitPlaces(budget.concurrency, settings.gitQueue);
    const room = { spoolSize: settings.spoolSize, gitConcurrency: budget.concurrency };
    const aside = puttingAside(scratch, room, clock, (bytes) => metrics.spoolBytes.set(bytes));
    const proofs = new SpliceProofs({
      git,
      cache,
      scratch,
      places,
      onTrouble: (err) => log.warn({ err }, 'packs not proved to be one'),
    });
    downloading.unshift(() => proofs.close());
    const repositories = new Repositories({
      control: stores.control,
      manifests: new ManifestStore(artifacts),
      snapshots,
      clock,
      dice,
      swapPatience: settings.swapPatience,
      publishObserver: publishObserver(metrics),
      onPublished: (id, manifest) => {
        logChanges(log, id, manifest);
        identity?.published(id, manifest);
        folding.published(id, manifest);
        proofs.published(id, manifest);
      },
    });
    const folding = new Folding({
      repositories,
      artifacts,
      cache,
      control: stores.control,
      git,
      scratch,
      clock,
      dice,
      log,
      grace: Math.floor(settings.unreachableGrace / 1000),
      automatic: settings.fold && (overrides.background ?? true),
      observer: foldObserver(metrics),
    });
    downloading.unshift(() => folding.close());
    folding.start();

    const offload = offloadOf(settings, stores, artifacts, log);
    const advertiser = new Advertiser(capabilities, `cairn/${VERSION}`);
    let identity: Identity | undefined;
    let stopping = false;
    const server = new HttpServer({
      log,
      metrics,
      dice,
      limits: httpLimits(settings),
      ...(secrets.tls === undefined ? {} : { tls: secrets.tls }),
    });
    const url = await server.listen(settings.listen.host, settings.listen.port);
    closers.push(async () => {
      stopping = true;
      const cut = setTimeout(() => {
        server.closeAll();
        // Requests that wait for a download would not hear that their clients have gone. What goes wrong is told at the end.
        breakOff().catch(() => undefined);
      }, settings.shutdownGrace);
      await server.close();
      clearTimeout(cut);
      await identity?.close();
    });
    const base = settings.publicUrl ?? url;
    identity = await openIdentity({
      settings,
      serviceKey: secrets.serviceKey,
      base,
      stores,
      repositories,
      artifacts,
      cache,
      git,
      secp256k1,
      verifier,
      clock,
      dice,
      log,
      metrics,
      scratch,
      background: overrides.background ?? true,
    });
    const { events, directory, service, heldOrders, sockets, information } = identity;
    const checkStore = () => checkReady(stores);
    const health = new Health({ metrics, checkStore, stopping: () => stopping, log });
    let adminUrl: string | undefined;
    if (settings.adminListen !== undefined) {
      const admin = await AdminServer.listen(settings.adminListen, health.operatorRoutes());
      closers.unshift(() => admin[Symbol.asyncDispose]());
      adminUrl = admin.url;
    }
    const others = health.publicRoutes({ metrics: adminUrl === undefined });
    others.route(
      '/',
      webRoutes({
        repositories,
        events,
        visible: (event) => directory.visible(event, new Set()),
        base,
        access: settings.access,
        information,
        clock,
        log,
      }),
    );
    readGauges(metrics, {
      version: VERSION,
      git: opened.version,
      cacheFolder: settings.cache.folder,
      cacheBytes: () => cache.bytes,
      repositories: () => events.countOfKind(kinds.repository),
      queues: { git: () => places.waiting, folds: () => folding.queued },
    });
    server.serve({
      git: {
        repositories,
        advertiser,
        connections: new ConnectionMemory(),
        access: settings.access,
        base,
        verifier,
        clock,
        staysPublic: (id, state) => identity.staysPublic(id, state),
        fetchRequestBytes: FETCH_REQUEST_BYTES,
        headMemory: headMemory(),
        fetch: {
          git,
          places,
          room: aside.room,
          questionMemory: questionMemory(),
          advertiser,
          cache,
          answers,
          ...((overrides.background ?? true) ? { proofs } : {}),
          recency: recencyMs,
          observer: fetchObserver(metrics),
          ...offload,
        },
        push: {
          git,
          places,
          puttingAside: aside,
          artifacts,
          cache,
          dice,
          scratch,
          orders: heldOrders,
          clock,
          strangers: settings.anonymousPushes,
          ...strangerPushes(settings.anonymousPushes, clock),
          receiptsAreAuthoritative: (id, policy) => service.receiptsAreAuthoritative(id, policy),
          limits: pushLimits({
            commands: settings.maxRefsPerPush,
            packBytes: settings.maxPushSize,
            objectBytes: settings.maxObjectSize,
            gitMemory: budget.memory,
          }),
          heights: new HeightMemory(),
        },
      },
      others,
      relay: sockets,
    });
    log.info(
      {
        url,
        admin: adminUrl,
        store: describeStore(settings.store),
        git: opened.version,
        gitMemory: budget.memory,
        gitConcurrency: budget.concurrency,
        version: VERSION,
        access: settings.access,
      },
      'started',
    );
    const fold: App['fold'] = (id, mode) => folding.fold(id, mode);
    return {
      url,
      adminUrl,
      metrics,
      git,
      repositories,
      fold,
      close: closeAll,
      [Symbol.asyncDispose]: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** What sends clients to the bucket, where the operator wants that. */
function offloadOf(
  { offload }: Settings,
  { control, presignGet }: ObjectStorePair,
  artifacts: ArtifactStore,
  log: Logger,
): { readonly offload?: Offload } {
  if (offload === undefined || presignGet === undefined) return {};
  const { bundleUri, packfileUris, expiry: seconds } = offload;
  const onTrouble = (error: unknown) =>
    log.warn({ problem: messageOf(error) }, 'a client was not sent elsewhere');
  return {
    offload: new Offload({ bundleUri, packfileUris, seconds, presignGet, control, artifacts, onTrouble }),
  };
}

/** Opens the object store, proved unless the operator has said that it need not be. */
async function openOwnStores(
  settings: Settings,
  log: Logger,
  observe: Observe,
  closers: (() => Promise<void>)[],
): Promise<ObjectStorePair> {
  if (!settings.probe) {
    log.warn(
      { store: describeStore(settings.store) },
      'PROBE OFF: nobody has checked that this object store keeps its promises; if it does not, pushes will be lost',
    );
  }
  const { stores, close } = settings.probe
    ? await openProvenStores(settings.store, verdictsFolder(settings.cache.folder), log, observe)
    : await openStores(settings.store, 'refuse', observe);
  closers.push(close);
  return stores;
}
