import type { Settings } from './config/settings.ts';
import { CairnError } from './lib/errors.ts';
import { FileObjectStore } from './object-store/file.ts';
import { claimFolder } from './object-store/folder-ownership.ts';
import type { ObjectStore, ObjectStorePair } from './object-store/object-store.ts';

/** Opens the object store that the settings name. */
export async function openStores(settings: Settings, _options?: unknown): Promise<ObjectStorePair> {
  const { store } = settings;
  if (store.kind === 's3') throw new CairnError('unavailable', 's3 arrives with the next commit');
  const ownership = await claimFolder(store.folder, 'data');
  const opened = await FileObjectStore.open(store.folder);
  const owned = closing(opened, () => ownership.release());
  return { control: owned, bulk: owned };
}

function closing(store: ObjectStore, after: () => Promise<void>): ObjectStore {
  let closed: Promise<void> | undefined;
  const close = async () => {
    closed ??= store.close().then(after);
    await closed;
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'close') return close;
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
