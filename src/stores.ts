import type { StoreSettings } from './config/settings.ts';
import type { ObjectStorePair } from './object-store/object-store.ts';
import { openFileStore } from './object-store/open-file-store.ts';
import type { S3Profile } from './object-store/s3-profile.ts';
import { withRetry } from './object-store/with-retry.ts';

/** An object store opened for a process. */
export interface OpenedStores {
  readonly stores: ObjectStorePair;
  close(): Promise<void>;
}

/** Milliseconds for which reads that are not answered are repeated. Somebody waits for a pointer; a pack is worth more. */
const CONTROL_PATIENCE_MS = 3_000;
const BULK_PATIENCE_MS = 10_000;

export interface OpenStoresOptions {
  /** When another process owns the data folder: a server refuses to start, a command borrows the store. */
  readonly onOwned: 'refuse' | 'borrow';
  /** What the probe found out about an S3 service. */
  readonly profile?: S3Profile;
}

/**
 * Opens the object store that the settings name.
 * @throws CairnError `unavailable` when the folder of a file store cannot be used; nothing is asked of S3 yet
 */
export async function openStores(settings: StoreSettings, options: OpenStoresOptions): Promise<OpenedStores> {
  if (settings.kind === 'file') {
    const { store, close } = await openFileStore(settings.folder, { onOwned: options.onOwned });
    return { stores: { control: store, bulk: store }, close };
  }
  // Loaded only where it is needed: the SDK takes most of a second to load.
  const { openS3 } = await import('./object-store/s3.ts');
  const { control, bulk } = openS3({
    bucket: settings.bucket,
    prefix: settings.prefix,
    forcePathStyle: settings.pathStyle,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...(settings.region === undefined ? {} : { region: settings.region }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  });
  return {
    stores: {
      control: withRetry(control, { patience: CONTROL_PATIENCE_MS }),
      bulk: withRetry(bulk, { patience: BULK_PATIENCE_MS }),
    },
    close: async () => {
      await Promise.all([control.close(), bulk.close()]);
    },
  };
}
