import type { StoreSettings } from './config/settings.ts';
import type { ObjectStorePair } from './object-store/object-store.ts';
import { openFileStore } from './object-store/open-file-store.ts';

/** An object store opened for a process. */
export interface OpenedStores {
  readonly stores: ObjectStorePair;
  close(): Promise<void>;
}

/**
 * Opens the object store that the settings name.
 * @param onOwned when another process owns the data folder: a server refuses to start, a command borrows the store
 * @throws CairnError `unavailable` when the store cannot be reached or used
 */
export async function openStores(
  settings: StoreSettings,
  onOwned: 'refuse' | 'borrow',
): Promise<OpenedStores> {
  if (settings.kind === 'file') {
    const { store, close } = await openFileStore(settings.folder, { onOwned });
    return { stores: { control: store, bulk: store }, close };
  }
  throw new TypeError(settings.kind);
}
