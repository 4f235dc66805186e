/**
 * Composes a server, by hand and only here. The order of start-up; each step can refuse with one clear line:
 *
 * 1. Claim the cache folder and check that it can be written.
 * 2. Find git, check its version and learn its capabilities.
 * 3. Open the object store and probe that it keeps its promises, while step 2 waits for git.
 * 4. Open the repositories on top of it, and folding.
 * 5. Listen: from here on the URL of the server is known.
 * 6. Claim the bucket for this service, and read the event log.
 * 7. Complete the list of subscribers: from here on publishes may happen.
 * 8. Answer requests, and start background work.
 *
 * Everything that was opened is closed in reverse order, also when a step refuses.
 */

import type { Secrets } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import type { Git } from '../git-process/git.ts';
import { allSettledOrThrow } from '../lib/all-settled-or-throw.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { ClosingStack } from '../lib/closing-stack.ts';
import { type Random, systemRandom } from '../lib/random.ts';
import { ScratchFiles } from '../lib/scratch-files.ts';
import type { FoldMode, FoldOutcome } from '../maintenance/fold/fold.ts';
import { FoldRounds } from '../maintenance/fold/fold-rounds.ts';
import { Folding } from '../maintenance/fold/folding.ts';
import { FossilFolding } from '../maintenance/fold/fossil/fossil-folding.ts';
import { kinds } from '../nostr/kinds.ts';
import { loadSecp256k1, type Secp256k1 } from '../nostr/secp256k1.ts';
import { createVerifier } from '../nostr/verify.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import type { Logger } from '../observability/logger.ts';
import { Metrics } from '../observability/metrics.ts';
import { rangedDownloads } from '../repository/cache/artifact-download.ts';
import type { FossilManifest } from '../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../repository/fossil/fossil-repository.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import type { Repositories } from '../repository/repositories.ts';
import type { RepositoryId } from '../repository/repository-id.ts';
import { learnUploadCapabilities } from '../transfer/fetch/upload-capabilities.ts';
import { openCacheFolder } from './cache-folder.ts';
import { logChanges, logFossilChanges } from './log-changes.ts';
import {
  cacheObserver,
  foldObserver,
  gitObserver,
  observeStores,
  publishObserver,
  readGauges,
} from './metrics-adapters.ts';
import { downloadCache } from './open-downloads.ts';
import { openFossil } from './open-fossil.ts';
import { type LearnedGit, openGit } from './open-git.ts';
import { listenHttp, serveHttp } from './open-http.ts';
import { openMirrors } from './open-mirrors.ts';
import { pageDisk } from './open-page-disk.ts';
import { openPages } from './open-pages.ts';
import { openRelay } from './open-relay.ts';
import { openRepositories, SCRATCH_BYTES } from './open-repositories.ts';
import { openSessions } from './open-sessions.ts';
import { openTransfer, responseCache } from './open-transfer.ts';
import { PublishSubscribers } from './publish-subscribers.ts';
import { describeStore, openServerStores } from './stores.ts';
import { VERSION } from './version.ts';

/** The rounds of a large push come faster one after another. */
const FOSSIL_QUIET_MS = 3_000;
/** Of so many shares of pages, one state may be kept open that nobody reads: it needs two. */
const SHARES_OF_IDLE = 6;

/** Parts that a test can replace. The test closes them. */
export interface Overrides {
  readonly stores?: ObjectStorePair;
  readonly clock?: Clock;
  readonly random?: Random;
  /** False: no background work, so that a test can count requests. */
  readonly background?: boolean;
  /** What every start finds out in the same way, for a process that starts many servers: it takes most of the time. */
  readonly learned?: Learned;
}

/** What a start learns of git and loads, whatever the settings. */
export interface Learned {
  readonly git: LearnedGit;
  readonly capabilities: Awaited<ReturnType<typeof learnUploadCapabilities>>;
  readonly secp256k1: Secp256k1;
}

/** A running server. */
export interface App extends AsyncDisposable {
  /** The URL under which the server can be reached, for example `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The URL for operators, if they have a separate address. */
  readonly adminUrl: string | undefined;
  readonly metrics: Metrics;
  readonly git: Git;
  readonly repositories: Repositories;
  readonly fossil: Repositories<FossilRepository>;
  /** Folds a repository now. Without a mode, all reachable objects go into one pack. @throws as `foldRepository` */
  fold(id: RepositoryId, mode?: FoldMode): Promise<FoldOutcome>;
  /** Accepts no new requests, lets running ones finish within the grace period, then closes everything. */
  close(): Promise<void>;
}

/**
 * Starts a server.
 * @throws CairnError with one line that says what is wrong and names the setting or part at fault
 */
export async function startApp(
  settings: Settings,
  secrets: Secrets,
  log: Logger,
  overrides: Overrides = {},
): Promise<App> {
  const stack = new ClosingStack((error) => log.warn({ err: error }, 'closing'));
  try {
    return await openApp(settings, secrets, log, overrides, stack);
  } catch (error) {
    await stack.close();
    throw error;
  }
}

async function openApp(
  settings: Settings,
  secrets: Secrets,
  log: Logger,
  { clock = systemClock, random = systemRandom, background = true, ...given }: Overrides,
  stack: ClosingStack,
): Promise<App> {
  const metrics = new Metrics();
  const folder = await openCacheFolder(settings.cache.folder);
  stack.defer(() => folder.release());
  const { scratch } = folder;
  const findGit = async () => {
    const observer = gitObserver(metrics);
    const learned = given.learned?.git;
    const parts = { settings, home: scratch, log, observer, launches: true, learned };
    const found = await openGit(parts, stack);
    const capabilities = given.learned?.capabilities ?? (await learnUploadCapabilities(found.git, scratch));
    return { ...found, capabilities };
  };
  const openStores = async () => {
    const observe = (opened: ObjectStorePair) => observeStores(opened, metrics);
    if (given.stores !== undefined) return observe(given.stores);
    return openServerStores(settings, log, observe, stack);
  };
  // Each mostly waits, and none needs another. If several refuse, the first of this order is reported.
  const [{ git, pagesGit, version, budget, capabilities }, secp256k1, stores] = await allSettledOrThrow([
    findGit(),
    Promise.resolve(given.learned?.secp256k1 ?? loadSecp256k1()),
    openStores(),
  ]);
  const verifier = createVerifier(secp256k1);

  const subscribers = new PublishSubscribers<GitManifest>();
  const fossilSubscribers = new PublishSubscribers<FossilManifest>();
  const responses = responseCache(settings, metrics);
  const downloads = downloadCache(settings, metrics);
  const disk = pageDisk(settings);
  const opened = await openRepositories(
    {
      stores,
      clock,
      random,
      swapPatience: settings.swapPatience,
      cache: {
        folder: settings.cache.folder,
        budget: settings.cache.size,
        // A file on local disk is not read faster in ranges.
        ...(settings.store.kind === 's3' ? { ranged: rangedDownloads() } : {}),
        observer: cacheObserver(metrics),
        onDiskFull: async () => {
          await allSettledOrThrow([responses.relieve(), downloads.relieve(), disk.relieve()]);
        },
      },
      publishObserver: publishObserver(metrics),
      onPublished: subscribers.published,
      onFossilPublished: fossilSubscribers.published,
      fossilScratch: new ScratchFiles(scratch, SCRATCH_BYTES),
    },
    stack,
  );
  await responses.open();
  await downloads.open();
  await disk.open();
  const { repositories, artifacts, cache } = opened;
  const automatic = settings.fold && background;
  const folding = new Folding({
    repositories,
    artifacts,
    cache,
    control: stores.control,
    git,
    scratch,
    clock,
    random,
    log,
    grace: Math.floor(settings.unreachableGrace / 1000),
    automatic,
    observer: foldObserver(metrics),
  });
  const fossilFolding = new FossilFolding({
    repositories: opened.fossil,
    cache,
    control: stores.control,
    scratch,
    clock,
    random,
    log,
    automatic,
    quiet: FOSSIL_QUIET_MS,
    observer: foldObserver(metrics),
  });
  const rounds = new FoldRounds({
    repositories: opened.all,
    git: folding,
    fossil: fossilFolding,
    clock,
    random,
    log,
  });
  // Work that waits for downloads is closed together with the cache, because only the cache can break the downloads
  // off.
  const downloading = [
    () => cache.close(),
    () => rounds.close(),
    () => folding.close(),
    () => fossilFolding.close(),
  ];
  let broken: Promise<unknown> | undefined;
  const breakOff = async () => {
    broken ??= allSettledOrThrow(downloading.map((close) => close()));
    await broken;
  };
  stack.defer(breakOff);

  const { server, url } = await listenHttp({ settings, secrets, random, log, metrics }, stack);
  const base = settings.publicUrl ?? url;
  const shared = { settings, git, stores, clock, random, log, metrics, scratch, background };
  const sessions = openSessions({ ...shared, base, serviceKey: secrets.serviceKey });
  const relay = await openRelay(
    {
      ...shared,
      repositories,
      fossil: opened.fossil,
      artifacts,
      cache,
      secp256k1,
      verifier,
      base,
      serviceKey: secrets.serviceKey,
      upkeep: [sessions.upkeep],
    },
    stack,
  );
  const transfer = openTransfer({ ...shared, budget, capabilities, repositories: opened, responses, relay });
  const fossil = openFossil({
    ...shared,
    opened,
    base,
    serviceKey: secrets.serviceKey,
    publicKey: relay.service.publicKey,
  });
  const mirrors = openMirrors({
    ...shared,
    repositories,
    push: transfer.push,
    base,
    serviceKey: secrets.serviceKey,
  });
  downloading.push(
    () => transfer.close(),
    () => mirrors.close(),
  );

  const pages = openPages(
    {
      ...shared,
      base,
      repositories,
      fossil: opened.fossil,
      relay,
      sessions,
      verifier,
      git: pagesGit,
      idleKept: Math.floor(budget.pageShares / SHARES_OF_IDLE),
      downloads,
      disk,
    },
    stack,
  );

  subscribers.add((id, manifest) => logChanges(log, id, manifest));
  subscribers.add(relay.published);
  subscribers.add((id, manifest) => folding.published(id, manifest));
  subscribers.add(transfer.published);
  subscribers.add(mirrors.published);
  subscribers.add(pages.published);
  subscribers.complete();
  fossilSubscribers.add((id, manifest) => logFossilChanges(log, id, manifest));
  fossilSubscribers.add(relay.fossilPublished);
  fossilSubscribers.add((id, manifest) => fossilFolding.published(id, manifest));
  fossilSubscribers.complete();

  readGauges(metrics, {
    version: VERSION,
    git: version,
    cacheFolder: settings.cache.folder,
    cacheBytes: () => cache.bytes,
    repositories: () => relay.events.countOfKind(kinds.repository),
    queues: { git: () => transfer.slots.waiting, folds: () => folding.queued + fossilFolding.queued },
  });
  const adminUrl = await serveHttp(
    server,
    {
      settings,
      secrets,
      random,
      log,
      metrics,
      base,
      stores,
      repositories,
      transfer,
      pages,
      relay,
      mirrors: mirrors.kept,
      fossil: { ...fossil, verifier },
      sessions,
      verifier,
      clock,
      breakOff,
    },
    stack,
  );
  if (automatic) rounds.start();
  relay.start();
  mirrors.start();
  const { access, store } = settings;
  log.info(
    {
      url,
      admin: adminUrl,
      store: describeStore(store),
      git: version,
      version: VERSION,
      access,
      gitMemory: budget.memory,
      gitConcurrency: budget.concurrency,
    },
    'started',
  );
  const close = () => stack.close();
  return {
    url,
    adminUrl,
    metrics,
    git,
    repositories,
    fossil: opened.fossil,
    fold: (id, mode) => folding.fold(id, mode),
    close,
    [Symbol.asyncDispose]: close,
  };
}
