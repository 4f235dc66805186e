import { join } from 'node:path';
import type { Settings, StoreSettings } from '../config/settings.ts';
import type { ClosingStack } from '../lib/closing-stack.ts';
import { isOpenToOthers } from '../lib/make-folder.ts';
import { openFileStore } from '../object-store/file/open-file-store.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import { type ProbeOptions, type ProbeReport, probeStore } from '../object-store/probe/probe.ts';
import { probeError, untried } from '../object-store/probe/probe-error.ts';
import { cachedVerdict, keptVerdict } from '../object-store/probe/probe-verdict.ts';
import type { S3Options } from '../object-store/s3/s3.ts';
import type { S3Profile } from '../object-store/s3/s3-profile.ts';
import { withLimit } from '../object-store/with-limit.ts';
import { withRetry } from '../object-store/with-retry.ts';
import type { Logger } from '../observability/logger.ts';
import { SERVICE_KEY } from '../repository/keys.ts';
import { VERSION } from './version.ts';

/** An object store opened for a process. */
export interface OpenedStores {
  readonly stores: ObjectStorePair;
  close(): Promise<void>;
}

/** When another process owns the data folder: a server refuses to start, a command uses the store through the owner. */
export type OnOwned = 'refuse' | 'use-owner';

/** Wraps both stores of a pair with an observer. */
export type Observe = (stores: ObjectStorePair) => ObjectStorePair;

/** Concurrent and queued requests for each pool of connections; further requests are answered `busy`. */
const CONTROL_REQUESTS = { concurrent: 64, queue: 4_096 };
const BULK_REQUESTS = { concurrent: 128, queue: 4_096 };

/** How long unanswered reads are repeated, in milliseconds. Clients wait for a pointer; a pack is worth a longer wait. */
const CONTROL_PATIENCE_MS = 3_000;
const BULK_PATIENCE_MS = 10_000;

/** Shorter than in service, so that a start against an endpoint that never answers fails soon. */
const PROBE_NO_PROGRESS_MS = 5_000;

/** A key that is never written. A request for it shows that the store answers and accepts the credentials. */
const READY_KEY = 'v1/ready';

/** The name of a store in messages and reports, for example `s3://bucket/prefix at https://…`. */
export function describeStore(settings: StoreSettings): string {
  if (settings.kind === 'file') return `file:${settings.folder}`;
  const prefix = settings.prefix === '' ? '' : `/${settings.prefix}`;
  const place = settings.endpoint === undefined ? '' : ` at ${settings.endpoint}`;
  return `s3://${settings.bucket}${prefix}${place}`;
}

/**
 * Opens the object store that the settings name.
 * @throws CairnError `unavailable` when the folder of a file store cannot be used; S3 gets no request yet
 */
export async function openStores(
  settings: StoreSettings,
  onOwned: OnOwned,
  observe: Observe = (stores) => stores,
  profile?: S3Profile,
): Promise<OpenedStores> {
  if (settings.kind === 'file') {
    const { store, close } = await openFileStore(settings.folder, { onOwned });
    return { stores: { ...observe({ control: store, bulk: store }), keepsFiles: true }, close };
  }
  // Loaded only when needed: the SDK takes most of a second to load.
  const { openS3 } = await import('../object-store/s3/s3.ts');
  const pair = openS3({ ...s3Options(settings), ...(profile === undefined ? {} : { profile }) });
  // The observer is innermost, so that a repeated request counts again.
  const { control, bulk } = observe(pair);
  return {
    stores: {
      ...pair,
      control: withRetry(withLimit(control, CONTROL_REQUESTS), { patience: CONTROL_PATIENCE_MS }),
      bulk: withRetry(withLimit(bulk, BULK_REQUESTS), { patience: BULK_PATIENCE_MS }),
    },
    close: async () => {
      await Promise.all([pair.control.close(), pair.bulk.close()]);
    },
  };
}

/**
 * Opens the object store of a server. Probes it unless the operator has turned that off.
 * @param stack closes it
 * @throws as {@link openProbedStores}
 */
export async function openServerStores(
  settings: Pick<Settings, 'store' | 'probe' | 'cache'>,
  log: Logger,
  observe: Observe,
  stack: ClosingStack,
): Promise<ObjectStorePair> {
  if (!settings.probe) {
    log.warn(
      { store: describeStore(settings.store) },
      'PROBE OFF: this object store is not checked; if it breaks its promises, pushes are lost',
    );
  }
  const { stores, close } = settings.probe
    ? await openProbedStores(settings.store, verdictsFolder(settings.cache.folder), log, observe)
    : await openStores(settings.store, 'refuse', observe);
  stack.defer(close);
  return stores;
}

/** The folder for probe verdicts in a cache folder. */
export function verdictsFolder(cacheFolder: string): string {
  return join(cacheFolder, 'verdicts');
}

/**
 * Opens the object store for a server after a probe has passed, now or at an earlier start.
 * @param verdicts folder for the verdicts of earlier starts
 * @throws StoreBrokenError, which names the broken promise; StoreUntriedError, which says why the store could not be
 * tested; CairnError `unavailable` when a folder cannot be used
 */
export async function openProbedStores(
  settings: StoreSettings,
  verdicts: string,
  log: Logger,
  observe: Observe,
): Promise<OpenedStores> {
  const name = describeStore(settings);
  if (settings.kind === 'file') {
    const opened = await openStores(settings, 'refuse', observe);
    try {
      const { control, bulk } = opened.stores;
      if (await isOpenToOthers(settings.folder)) {
        log.warn(
          { folder: settings.folder },
          `other users can read the data folder, which may hold private repositories: run "chmod 700 ${settings.folder}"`,
        );
      }
      await passProbe(name, verdicts, log, () => probeStore([control, bulk], name));
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }
  const { probeS3 } = await import('../object-store/probe/probe-s3.ts');
  const options = { ...s3Options(settings), control: { noProgress: PROBE_NO_PROGRESS_MS } };
  const report = await passProbe(name, verdicts, log, () => probeS3(options, name));
  return openReady(settings, observe, report.profile);
}

/**
 * Opens the object store for one command. A command that writes to S3 needs a passed probe, as a server does, and the
 * same profile. It does not repeat a probe that has passed: a local verdict counts at any age, and a bucket that a
 * service has claimed was probed by its servers, so that only the profile is missing. The data folder of a running
 * server is used through that server, which has probed it.
 * @throws as {@link openProbedStores}
 */
export async function openStoresForCommand(
  settings: StoreSettings,
  options: { readonly writes: boolean; readonly verdicts: string; readonly log: Logger },
): Promise<OpenedStores> {
  if (settings.kind === 'file' || !options.writes) return openStores(settings, 'use-owner');
  const profile = await profileProbedBefore(settings, options.verdicts);
  if (profile !== undefined) return openReady(settings, (stores) => stores, profile);
  return openProbedStores(settings, options.verdicts, options.log, (stores) => stores);
}

/** The profile of a store that has passed a probe; undefined when there is no such probe. */
async function profileProbedBefore(
  settings: Extract<StoreSettings, { kind: 's3' }>,
  folder: string,
): Promise<S3Profile | undefined> {
  const name = describeStore(settings);
  const kept = await keptVerdict({ folder, subject: [name, VERSION], maxAge: Number.POSITIVE_INFINITY });
  if (kept?.profile !== undefined) return kept.profile;
  const opened = await openStores(settings, 'use-owner');
  try {
    const claimed = await opened.stores.control.head(SERVICE_KEY);
    if (!claimed.found) return undefined;
    const { findS3Profile } = await import('../object-store/s3/find-s3-profile.ts');
    return await findS3Profile({ ...s3Options(settings), control: { noProgress: PROBE_NO_PROGRESS_MS } });
  } catch (error) {
    throw untried(name, error);
  } finally {
    await opened.close();
  }
}

/** Opens a bucket and checks that it answers: an old verdict says nothing about today's credentials. */
async function openReady(
  settings: StoreSettings,
  observe: Observe,
  profile: S3Profile | undefined,
): Promise<OpenedStores> {
  const opened = await openStores(settings, 'refuse', observe, profile);
  try {
    await checkReady(opened.stores);
    return opened;
  } catch (error) {
    await opened.close();
    throw untried(describeStore(settings), error);
  }
}

/** Sends the store one cheap request. @throws CairnError `unavailable` when it does not answer */
export async function checkReady(stores: ObjectStorePair): Promise<void> {
  await stores.control.head(READY_KEY);
}

/** Probes a store for an operator. The data folder of a running server is used through that server. */
export async function probeStores(settings: StoreSettings, options: ProbeOptions): Promise<ProbeReport> {
  const name = describeStore(settings);
  if (settings.kind === 's3') {
    const { probeS3 } = await import('../object-store/probe/probe-s3.ts');
    return probeS3(s3Options(settings), name, options);
  }
  const { stores, close } = await openStores(settings, 'use-owner');
  try {
    return await probeStore([stores.control, stores.bulk], name, options);
  } finally {
    await close();
  }
}

async function passProbe(
  name: string,
  folder: string,
  log: Logger,
  probe: () => Promise<ProbeReport>,
): Promise<ProbeReport> {
  const { report, cached } = await cachedVerdict({ folder, subject: [name, VERSION] }, probe);
  if (report.failure !== undefined) {
    const { is, phase, round, key, reason } = report.failure;
    const facts = { store: name, verdict: is, phase, round, key, reason };
    log.error(facts, is === 'broken' ? 'object store broke a promise' : 'object store could not be tried');
    throw probeError(report);
  }
  log.info(
    { store: name, cached, seconds: report.seconds, profile: report.profile },
    'object store passed the probe',
  );
  return report;
}

function s3Options(settings: Extract<StoreSettings, { kind: 's3' }>): S3Options {
  return {
    bucket: settings.bucket,
    prefix: settings.prefix,
    forcePathStyle: settings.pathStyle,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...(settings.publicEndpoint === undefined ? {} : { publicEndpoint: settings.publicEndpoint }),
    ...(settings.region === undefined ? {} : { region: settings.region }),
  };
}
