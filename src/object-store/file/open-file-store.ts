import { join } from 'node:path';
import type { ObjectStore } from '../object-store.ts';
import { FileObjectStore, type FileStoreOptions } from './file.ts';
import { claimFolder, FolderTakenError, ownerSocket } from './folder-ownership.ts';
import { RemoteObjectStore } from './remote-client.ts';
import { serveStore } from './remote-server.ts';

export interface OpenFileStoreOptions extends FileStoreOptions {
  /** When another process owns the folder: a server refuses to start, a command uses the store through the owner. */
  readonly onOwned: 'refuse' | 'use-owner';
}

export interface OpenedFileStore {
  readonly store: ObjectStore;
  /** `owned`: this process owns the folder. `remote`: it reaches the store through the owner. */
  readonly access: 'owned' | 'remote';
  /** Closes the store, then releases the folder. */
  close(): Promise<void>;
}

/**
 * Opens the object store in a folder of a local disk, and serves it to other processes of this user while it is open.
 * @throws FolderTakenError when another process owns it and `onOwned` is `refuse`; CairnError `unavailable` when the
 * folder cannot be used
 */
export async function openFileStore(root: string, options: OpenFileStoreOptions): Promise<OpenedFileStore> {
  try {
    return await openOwned(root, options);
  } catch (error) {
    if (!(error instanceof FolderTakenError) || options.onOwned === 'refuse') throw error;
    const address = await ownerSocket(root, error.owner);
    const store = new RemoteObjectStore(address.path);
    const close = async () => {
      await store.close();
      await address.close();
    };
    return { store, access: 'remote', close };
  }
}

async function openOwned(root: string, options: FileStoreOptions): Promise<OpenedFileStore> {
  const ownership = await claimFolder(root);
  try {
    const store = await FileObjectStore.open(root, options);
    serveStore(ownership.server, store, join(root, 'tmp'));
    const close = async () => {
      // Release the folder last: while a write is in progress, nobody else may take the folder for free.
      await store.close();
      await ownership.release();
    };
    return { store, access: 'owned', close };
  } catch (error) {
    await ownership.release();
    throw error;
  }
}
