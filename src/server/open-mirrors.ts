/** Puts together the mirrors that a server keeps: their records, their schedule, and how remotes are reached. */
import type { Settings } from '../config/settings.ts';
import type { Git } from '../git-process/git.ts';
import type { Clock } from '../lib/clock.ts';
import { CairnError, isCairnError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { pullRun, pushRun } from '../mirror/kept/carry-out.ts';
import { KeptMirrors } from '../mirror/kept/kept-mirrors.ts';
import { MirrorRecords } from '../mirror/kept/mirror-records.ts';
import { MirrorRunner } from '../mirror/kept/mirror-runner.ts';
import { MirrorScheduler } from '../mirror/kept/mirror-scheduler.ts';
import { SealedCredentials } from '../mirror/kept/sealed-credentials.ts';
import { repositoryUrls } from '../nostr/repository-url.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { AddressGuard } from '../outbound/address-guard.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import type { Repositories } from '../repository/repositories.ts';
import type { RepositoryId } from '../repository/repository-id.ts';
import { mirrorObserver, readMirrorGauges } from './metrics-adapters.ts';
import type { OpenedTransfer } from './open-transfer.ts';
import type { PublishSubscriber } from './publish-subscribers.ts';
import { VERSION } from './version.ts';

export interface MirrorParts {
  readonly settings: Settings;
  readonly git: Git;
  readonly stores: ObjectStorePair;
  readonly repositories: Repositories;
  /** What packs are taken in with. */
  readonly push: OpenedTransfer['push'];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Folder for files that may be lost when the process ends. */
  readonly scratch: string;
  /** The public base URL, without a trailing slash. */
  readonly base: string;
  /** The secret key of the service, 64 hex characters. */
  readonly serviceKey: string;
  /** Whether mirrors run on a schedule. */
  readonly background: boolean;
}

export interface OpenedMirrors {
  /** What people do with mirrors; undefined where none are kept. */
  readonly kept: KeptMirrors | undefined;
  readonly published: PublishSubscriber<GitManifest>;
  start(): void;
  /** Stops running mirrors and waits for their end. */
  close(): Promise<void>;
}

/** Niceness (nice(2)) of git for packs of mirrors, so that pushes and fetches go first. */
const NICENESS = 10;

/** Where no mirrors are kept. */
const NONE: OpenedMirrors = {
  kept: undefined,
  published: () => undefined,
  start: () => undefined,
  close: async () => undefined,
};

function guardOf(allowed: readonly string[]): AddressGuard {
  try {
    return new AddressGuard({ allowed });
  } catch (error) {
    if (!isCairnError(error, 'invalid')) throw error;
    throw new CairnError('invalid', `--mirror-allow: ${error.message}`, { cause: error });
  }
}

/** @throws CairnError `invalid` when `--mirror-allow` names something that is no address */
export function openMirrors(parts: MirrorParts): OpenedMirrors {
  const { settings, git, stores, repositories, push, clock, random, log, metrics, scratch, base } = parts;
  const { on, allowed, shortest, concurrency } = settings.mirrors;
  if (!on) return NONE;
  const { control } = stores;
  const guard = guardOf(allowed);
  const records = { control, clock, random };
  const mirrorRecords = new MirrorRecords(records);
  const seals = new SealedCredentials(parts.serviceKey, random);
  const runs = {
    imports: { ...push, limits: { ...push.limits, niceness: NICENESS } },
    git,
    scratch,
    connection: { guard, userAgent: `git/cairn-${VERSION}`, clock, git: settings.git },
    agent: `cairn/${VERSION}`,
    maxPackBytes: settings.maxPushSize,
  };
  const runner = new MirrorRunner({
    ...records,
    repositories,
    mirrorRecords,
    seals,
    pull: pullRun(runs),
    push: pushRun(runs),
    holder: random.hex(8),
    onTrouble: (err) => log.warn({ err }, 'the lease of a mirror could not be renewed or released'),
  });
  const observer = mirrorObserver(metrics);
  const depthOf = async (id: RepositoryId) => (await repositories.get(id).resolve())?.manifest.depth;
  const scheduler = new MirrorScheduler({
    ...records,
    mirrorRecords,
    runner,
    depthOf,
    log,
    observer,
    concurrency,
  });
  readMirrorGauges(metrics, (direction) => scheduler.summary(direction));
  const kept = new KeptMirrors({
    ...records,
    seals,
    shortest,
    ownUrls: ({ owner, identifier }) =>
      repositoryUrls(base, owner, identifier).flatMap((url) => [url, url.replace(/\.git$/, '')]),
    checkSecrecy: (address) => checkSecrecy(guard, address),
    checkHost: (address) => guard.checkLiteral(hostOf(address)),
    onChanged: (id) => scheduler.changed(id),
  });
  return {
    kept,
    published: (id, manifest) => scheduler.published(id, manifest),
    start: () => {
      if (parts.background) scheduler.start();
    },
    close: () => scheduler.close(),
  };
}

/** Over http anybody on the way can read a credential. Only the operator knows where that does not matter. */
function checkSecrecy(guard: AddressGuard, address: string): void {
  if (new URL(address).protocol === 'https:' || guard.isException(hostOf(address))) return;
  throw new CairnError('invalid', 'a credential is sent over https:// only');
}

/** The host of a URL: a name, or an address without brackets. */
function hostOf(address: string): string {
  return new URL(address).hostname.replace(/^\[|\]$/g, '');
}
