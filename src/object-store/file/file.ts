import { rename, rm, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CairnError, messageOf, systemCode } from '../../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import { stopOnAbort } from '../abort.ts';
import { checkKey, checkKeyPart, checkMode, checkRange, clipRange } from '../object-key.ts';
import {
  bodyLength,
  type GetOptions,
  type GetResult,
  type HeadResult,
  type ListedObject,
  type ListOptions,
  type ObjectBody,
  type ObjectStore,
  type PutMode,
  type PutOutcome,
} from '../object-store.ts';
import { bareVersion, HEADER_BYTES, type ObjectHeader } from './file-header.ts';
import { type ObjectPlace, placeOfKey } from './file-layout.ts';
import { listObjects } from './file-listing.ts';
import { FolderSync, type Fsync } from './folder-sync.ts';
import { FolderTree } from './folder-tree.ts';
import { KeyedLock } from './keyed-lock.ts';
import { isLinked, linkAside } from './link-aside.ts';
import {
  bodyOf,
  diskError,
  FIRST_READ_BYTES,
  type OpenObject,
  openBareFile,
  openObjectFile,
} from './object-file.ts';
import { writeAside } from './write-aside.ts';

export interface FileStoreOptions {
  /** Every fsync goes through this function, so that tests can count them. */
  readonly fsync?: Fsync;
  readonly random?: Random;
}

/** A durable file in `tmp/` that only has to be renamed. */
interface FinishedFile extends ObjectHeader {
  readonly temporary: string;
  /** True when it has no header. */
  readonly isBare: boolean;
}

/** Bodies up to this size are copied before the condition is checked. */
const COPIED_UNCHECKED = 256 * 1024;

const fsyncFile: Fsync = (handle) => handle.sync();

/**
 * Objects as files below one folder of a local disk.
 *
 * A write creates a file in `tmp/`, makes it durable and renames it to its place below `objects/`. The answer comes
 * after the fsync of the folder. A crash before the rename leaves garbage in `tmp/`, which the next start removes; a
 * crash after it leaves the new object whole. A large file that is final is not copied: it gets a link in `tmp/`, and is renamed
 * as it is, without a header. Where a key has both, the file with the header is the newer one. This process serialises the writes of one key, so only one process may
 * use a folder: the process that opens it owns it (`claimFolder`).
 */
export class FileObjectStore implements ObjectStore {
  private readonly objects: string;
  private readonly temporary: string;
  private readonly fsync: Fsync;
  private readonly random: Random;
  private readonly folderSync: FolderSync;
  private readonly tree: FolderTree;
  private readonly lock = new KeyedLock();
  /**
   * Renames that may not be durable yet, by path. Readers wait for them, so that nothing a reader saw can be undone.
   */
  private readonly landing = new Map<string, Promise<PutOutcome>>();
  /** Folders whose last fsync failed. */
  private readonly doubtful = new Set<string>();
  private readonly writes = new Set<Promise<unknown>>();
  /** How many objects without a header were replaced by ones that have one. */
  private headed = 0;
  private closed = false;

  private constructor(root: string, options: FileStoreOptions) {
    this.objects = join(root, 'objects');
    this.temporary = join(root, 'tmp');
    this.fsync = options.fsync ?? fsyncFile;
    this.random = options.random ?? systemRandom;
    this.folderSync = new FolderSync(this.fsync);
    this.tree = new FolderTree(this.objects, this.folderSync);
  }

  /**
   * Opens the store in `root`, creates the folder if needed, and removes what a killed process left behind.
   * @throws CairnError `unavailable` when the folder cannot be used
   */
  static async open(root: string, options: FileStoreOptions = {}): Promise<FileObjectStore> {
    const store = new FileObjectStore(root, options);
    try {
      await rm(store.temporary, { recursive: true, force: true });
      const firstMade = await makeFolder(store.temporary, PRIVATE_FOLDER);
      await makeFolder(store.objects, PRIVATE_FOLDER);
      await store.folderSync.sync(root);
      if (firstMade !== undefined) await store.syncAbove(root, firstMade);
    } catch (error) {
      throw new CairnError('unavailable', `the data folder ${root} cannot be used: ${messageOf(error)}`, {
        cause: error,
      });
    }
    return store;
  }

  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    checkKey(key);
    checkRange(options.range);
    options.signal?.throwIfAborted();
    const opened = await this.openObject(key, FIRST_READ_BYTES);
    if (opened === undefined) return { found: false, reason: 'missing' };
    const { version, size } = opened;
    if (version === options.ifNoneMatch) {
      await opened.handle.close();
      return { found: false, reason: 'not-modified' };
    }
    const body = await bodyOf(opened, clipRange(size, options.range));
    const found = { found: true, version, size, body: stopOnAbort(body, options.signal) } as const;
    return opened.bodyAt === 0 ? { ...found, file: this.barePathOf(placeOfKey(key)) } : found;
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<HeadResult> {
    checkKey(key);
    options.signal?.throwIfAborted();
    const header = await this.readHeader(key);
    return header === undefined ? { found: false } : { found: true, ...header };
  }

  async put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<PutOutcome> {
    checkKey(key);
    checkMode(mode);
    options.signal?.throwIfAborted();
    return this.tracked(async () => {
      // For a large body, check the condition before the copy as well: a refused write then costs no copy. For a
      // small body the check costs as much as the copy, and most writes succeed.
      const large = bodyLength(body) > COPIED_UNCHECKED;
      const refused = large ? await this.refusal(key, mode) : undefined;
      if (refused !== undefined) return refused;
      const size = bodyLength(body);
      const temporary = join(this.temporary, this.random.hex(16));
      if (mode.mode === 'create' && isLinked(body)) {
        const linked = await linkAside(temporary, body, this.fsync, options.signal);
        const file = { temporary, isBare: true, version: bareVersion(key, size), size };
        if (linked) return this.publish(key, file, mode, options.signal);
      }
      const header = { version: this.random.hex(16), size };
      await writeAside(temporary, header, body, this.fsync, options.signal);
      return this.publish(key, { temporary, isBare: false, ...header }, mode, options.signal);
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    checkKeyPart(prefix);
    checkKeyPart(options.startAfter ?? '');
    options.signal?.throwIfAborted();
    try {
      for await (const object of listObjects(this.objects, prefix, options.startAfter ?? '')) {
        options.signal?.throwIfAborted();
        yield { key: object.key, size: object.fileSize - (object.isBare ? 0 : HEADER_BYTES) };
      }
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw diskError(`cannot list ${this.objects}`, error);
    }
  }

  async delete(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkKey(key);
    options.signal?.throwIfAborted();
    const place = placeOfKey(key);
    const path = this.pathOf(place);
    await this.tracked(() =>
      this.lock.run(path, async () => {
        try {
          // The older one first: it must not come back when the process is killed in between.
          const bare = await unlinked(this.barePathOf(place));
          if (!(await unlinked(path)) && !bare) return;
          await this.folderSync.sync(this.tree.prune(place.folders));
        } catch (error) {
          // ENOENT: another delete removed the folder and makes that durable.
          if (systemCode(error) !== 'ENOENT') throw diskError(`cannot delete ${path}`, error);
        }
      }),
    );
  }

  /** Refuses new writes and waits for those in progress. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled(this.writes);
  }

  /** Makes the new folders above `root` durable; `firstMade` is the uppermost of them. */
  private async syncAbove(root: string, firstMade: string): Promise<void> {
    for (let folder = resolve(root); folder.startsWith(resolve(firstMade)); folder = dirname(folder)) {
      await this.folderSync.sync(dirname(folder));
    }
  }

  private pathOf(place: ObjectPlace): string {
    return join(this.objects, ...place.folders, place.file);
  }

  private barePathOf(place: ObjectPlace): string {
    return join(this.objects, ...place.folders, place.bareFile);
  }

  private async tracked<T>(work: () => Promise<T>): Promise<T> {
    if (this.closed) throw new CairnError('unavailable', 'the object store is closed');
    const write = work();
    this.writes.add(write);
    try {
      return await write;
    } finally {
      this.writes.delete(write);
    }
  }

  /** The refusal of a conditional write whose condition does not hold. Undefined when the condition holds. */
  private async refusal(key: string, mode: PutMode): Promise<PutOutcome | undefined> {
    if (mode.mode === 'overwrite') return undefined;
    const header = await this.readHeader(key);
    if (mode.mode === 'create') return header === undefined ? undefined : { outcome: 'exists' };
    if (header === undefined) return { outcome: 'missing' };
    return header.version === mode.version ? undefined : { outcome: 'changed' };
  }

  /** Moves a finished file to the path of its key, if the condition still holds. */
  private publish(
    key: string,
    file: FinishedFile,
    mode: PutMode,
    signal: AbortSignal | undefined,
  ): Promise<PutOutcome> {
    const place = placeOfKey(key);
    const path = this.pathOf(place);
    const barePath = this.barePathOf(place);
    return this.lock.run(path, async () => {
      let renamed = false;
      try {
        signal?.throwIfAborted();
        const refused = await this.refusal(key, mode);
        if (refused !== undefined) return refused;
        return await this.tree.within(place.folders, async (folder) => {
          const target = file.isBare ? barePath : path;
          const landing = this.land(file, target, folder, async () => {
            renamed = true;
            // Only a key that is there already can have a file without a header.
            if (mode.mode !== 'create' && (await unlinked(barePath))) this.headed++;
          });
          this.landing.set(path, landing);
          try {
            return await landing;
          } finally {
            this.landing.delete(path);
          }
        });
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        // Somebody removed folders below the root: what this process remembers about them is no longer true.
        if (systemCode(error) === 'ENOENT') this.tree.forget();
        throw error instanceof CairnError ? error : diskError(`cannot write ${path}`, error);
      } finally {
        if (!renamed) await rm(file.temporary, { force: true });
      }
    });
  }

  /** Renames, then makes the rename durable with an fsync. Throws only when the rename did not happen. */
  private async land(
    { temporary, version }: FinishedFile,
    path: string,
    folder: string,
    onRenamed: () => Promise<void>,
  ): Promise<PutOutcome> {
    await rename(temporary, path);
    try {
      await onRenamed();
      await this.folderSync.sync(folder);
    } catch (error) {
      this.doubtful.add(folder);
      return { outcome: 'unknown', cause: diskError(`cannot make ${folder} durable`, error) };
    }
    return { outcome: 'written', version };
  }

  private async readHeader(key: string): Promise<ObjectHeader | undefined> {
    const opened = await this.openObject(key, HEADER_BYTES);
    if (opened === undefined) return undefined;
    await opened.handle.close();
    return { version: opened.version, size: opened.size };
  }

  /** Opens the object of a key once it is durable. Undefined when there is none. */
  private async openObject(key: string, firstRead: number): Promise<OpenObject | undefined> {
    const place = placeOfKey(key);
    const path = this.pathOf(place);
    const opened = await this.openEither(key, path, this.barePathOf(place), firstRead);
    if (opened === undefined) return undefined;
    try {
      await this.settled(path, join(this.objects, ...place.folders));
      return opened;
    } catch (error) {
      await opened.handle.close();
      throw diskError(`cannot make ${path} durable`, error);
    }
  }

  private async openEither(
    key: string,
    path: string,
    barePath: string,
    firstRead: number,
  ): Promise<OpenObject | undefined> {
    const { headed } = this;
    const opened = (await openObjectFile(path, firstRead)) ?? (await openBareFile(barePath, key));
    // A file with a header may have replaced the other one between the two looks.
    return opened ?? (headed === this.headed ? undefined : openObjectFile(path, firstRead));
  }

  /**
   * Resolves when the file read at `path` is durable. Otherwise a reader could build on a write that a crash of the
   * machine undoes.
   */
  private async settled(path: string, folder: string): Promise<void> {
    await this.landing.get(path)?.catch(() => undefined);
    if (!this.doubtful.has(folder)) return;
    await this.folderSync.sync(folder);
    this.doubtful.delete(folder);
  }
}

/** Removes a file. @returns false when there is none */
async function unlinked(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
