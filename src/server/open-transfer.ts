import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import type { ObjectFormat } from '../git/index.ts';
import type { Git } from '../git-process/git.ts';
import { allSettledOrThrow } from '../lib/all-settled-or-throw.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ArtifactStore } from '../repository/artifact-store.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import { HeightMemory } from '../repository/intake/heights/height-memory.ts';
import { recencyMs } from '../repository/repository.ts';
import { CheckedConcatenations } from '../transfer/concatenation/checked-concatenations.ts';
import { FairSemaphore } from '../transfer/fair-semaphore.ts';
import { Advertiser } from '../transfer/fetch/advertise-refs.ts';
import { Offload } from '../transfer/fetch/offload.ts';
import { ResponseCache } from '../transfer/fetch/response-cache.ts';
import type { ServeFetchContext } from '../transfer/fetch/serve-fetch.ts';
import type { UploadCapabilities } from '../transfer/fetch/upload-capabilities.ts';
import { fetchRequestMemory } from '../transfer/fetch/upload-post.ts';
import { pushLimits } from '../transfer/push/limits.ts';
import { slowPushes } from '../transfer/push/pack-intake.ts';
import type { ReceivePushContext } from '../transfer/push/push-request.ts';
import { boundedPushes } from '../transfer/push/stranger-push.ts';
import type { GitBudget } from './git-budget.ts';
import { answerObserver, fetchObserver } from './metrics-adapters.ts';
import type { OpenedRelay } from './open-relay.ts';
import type { OpenedRepositories } from './open-repositories.ts';
import type { PublishSubscriber } from './publish-subscribers.ts';
import { VERSION } from './version.ts';

export interface TransferParts {
  readonly settings: Settings;
  readonly git: Git;
  /** The memory of git processes. */
  readonly budget: GitBudget;
  readonly capabilities: Readonly<Record<ObjectFormat, UploadCapabilities>>;
  readonly stores: ObjectStorePair;
  readonly repositories: OpenedRepositories;
  readonly responses: ResponseCache;
  readonly relay: Pick<OpenedRelay, 'heldStates' | 'service'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Folder for files that may be lost when the process ends. */
  readonly scratch: string;
  /** Whether work may run that no client waits for. */
  readonly background: boolean;
}

/** The parts that serve git clients. */
export interface OpenedTransfer {
  readonly advertiser: Advertiser;
  readonly fetch: ServeFetchContext;
  readonly push: ReceivePushContext;
  /** Slots for work that runs git. */
  readonly slots: FairSemaphore;
  readonly published: PublishSubscriber<GitManifest>;
  /** Stops running work and waits for its end. */
  close(): Promise<void>;
}

/** Opens the cache of git responses in the cache folder. */
export function responseCache({ cache }: Pick<Settings, 'cache'>, metrics: Metrics): ResponseCache {
  return new ResponseCache({
    folder: join(cache.folder, 'answers'),
    budget: cache.answers,
    observer: answerObserver(metrics),
  });
}

/** Composes the parts that serve fetches and pushes. */
export function openTransfer(parts: TransferParts): OpenedTransfer {
  const { settings, git, budget, capabilities, responses, relay, clock, random, log, metrics, scratch } =
    parts;
  const { artifacts, cache } = parts.repositories;
  const slots = new FairSemaphore(budget.concurrency, settings.gitQueue);
  const room = { spoolSize: settings.spoolSize, gitConcurrency: budget.concurrency };
  const aside = slowPushes(scratch, room, clock, (bytes) => metrics.spoolBytes.set(bytes));
  const checkedConcatenations = new CheckedConcatenations({
    git,
    cache,
    scratch,
    slots,
    onTrouble: (err) => log.warn({ err }, 'packs could not be checked for concatenation'),
  });
  const advertiser = new Advertiser(capabilities, `cairn/${VERSION}`);
  return {
    advertiser,
    slots,
    fetch: {
      git,
      slots,
      room: aside.room,
      requestMemory: fetchRequestMemory(),
      advertiser,
      cache,
      responses,
      ...(parts.background ? { concatenations: checkedConcatenations } : {}),
      recency: recencyMs,
      observer: fetchObserver(metrics),
      ...offloadOf(settings, parts.stores, artifacts, log),
    },
    push: {
      git,
      slots,
      slowPushes: aside,
      artifacts,
      cache,
      random,
      scratch,
      heldStates: relay.heldStates,
      clock,
      strangers: settings.anonymousPushes,
      ...boundedPushes(settings.anonymousPushes, clock),
      receiptsAreAuthoritative: (id, policy) => relay.service.receiptsAreAuthoritative(id, policy),
      limits: pushLimits({
        commands: settings.maxRefsPerPush,
        packBytes: settings.maxPushSize,
        objectBytes: settings.maxObjectSize,
        unpackedBytes: settings.maxUnpackedSize,
        gitMemory: budget.memory,
      }),
      heights: new HeightMemory(),
    },
    published: (id, manifest) => checkedConcatenations.published(id, manifest),
    close: async () => {
      await allSettledOrThrow([responses.close(), checkedConcatenations.close()]);
    },
  };
}

/** Opens offload to the bucket, if the operator wants it. */
function offloadOf(
  { offload }: Settings,
  { control, presignGet }: ObjectStorePair,
  artifacts: ArtifactStore,
  log: Logger,
): { readonly offload?: Offload } {
  if (offload === undefined || presignGet === undefined) return {};
  const { bundleUri, packfileUris, expiry: seconds } = offload;
  const onTrouble = (error: unknown) =>
    log.warn({ problem: messageOf(error) }, 'a client was not sent to the bucket');
  return {
    offload: new Offload({ bundleUri, packfileUris, seconds, presignGet, control, artifacts, onTrouble }),
  };
}
