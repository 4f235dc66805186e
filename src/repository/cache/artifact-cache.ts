import { access, link } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type CairnError, isCairnError, publicError, systemCode } from '../../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import type { RangedDownloads } from './artifact-download.ts';
import {
  type ArtifactFill,
  diskError,
  fillFromLeftover,
  fillFromStore,
  LeftoverDamagedError,
} from './artifact-fill.ts';
import type { ArtifactStore } from '../artifact-store.ts';
import { type ArtifactStream, streamOf } from './artifact-stream.ts';
import { type CachedFile, CachedFiles } from './cached-files.ts';
import { FillingFile } from './filling-file.ts';
import type { ArtifactKind } from '../keys.ts';
import type { ArtifactRef } from '../manifest.ts';
import { formatRepositoryId, type RepositoryId } from '../repository-id.ts';

/** Receives each look-up in the cache. */
export interface CacheObserver {
  looked(hit: boolean): void;
}

/** A file that stays in the cache until `release` is called. */
export interface PinnedFile {
  readonly path: string;
  release(): void;
}

/** A file in the cache, and what its user has made of it. */
export interface TakenFile<T> {
  readonly file: PinnedFile;
  readonly result: T;
}

export interface ArtifactCacheOptions {
  readonly folder: string;
  /** In bytes. Pinned files may exceed it while they are pinned. */
  readonly budget: number;
  readonly store: ArtifactStore;
  /** How large artifacts are downloaded, if several connections are faster than one. */
  readonly ranged?: RangedDownloads;
  readonly observer?: CacheObserver;
  /** Frees other disk space that can be spared. */
  readonly onDiskFull?: () => Promise<void>;
}

/** A fill in progress and its future file, which the waiting callers have pinned. */
interface Filling extends ArtifactFill {
  readonly entry: CachedFile;
  readonly abort: AbortController;
}

/** The result of a look-up: a usable file, or the fill that will provide it. */
interface Found {
  readonly entry: CachedFile;
  readonly filling: Filling | undefined;
}

/**
 * Artifacts on local disk. Files are named by digest, and filled by temporary file, verified digest and rename. Each
 * artifact is downloaded once for all callers, who can read it during the download. The folder can be lost without
 * harm, at any time: a file that has gone is downloaded again when somebody wants to link or open it.
 */
export class ArtifactCache {
  private readonly options: ArtifactCacheOptions;
  private readonly files: CachedFiles;
  private readonly fills = new Map<string, Filling>();
  private closed = false;
  private temporary = 0;

  constructor(options: ArtifactCacheOptions) {
    this.options = options;
    this.files = new CachedFiles(options.folder, options.budget);
  }

  /** Bytes on local disk. */
  get bytes(): number {
    return this.files.bytes;
  }

  /** Called to unpin files when pinned files alone exceed the budget. */
  set onPressure(unpin: () => Promise<void>) {
    this.files.onPressure = unpin;
  }

  /** Lists the files of an earlier run, and removes incomplete ones. */
  async open(): Promise<void> {
    await this.files.open();
  }

  /** Breaks off downloads, and waits until nothing is written any more. */
  async close(): Promise<void> {
    this.closed = true;
    const fills = [...this.fills.values()];
    for (const { abort } of fills) abort.abort(stopping());
    await Promise.allSettled(fills.map(({ verified }) => verified));
  }

  /**
   * Returns the local file of an artifact, and downloads it first if needed. Looks whether the file is there, which
   * costs a system call: {@link take} needs none.
   * @throws CairnError as {@link take}
   */
  async acquire(id: RepositoryId, kind: ArtifactKind, ref: ArtifactRef): Promise<PinnedFile> {
    return (await this.take(id, kind, ref, access)).file;
  }

  /**
   * Has the local file of an artifact linked or opened, and downloads it first if needed. The download continues when
   * the caller goes away, because another caller may wait for it, or come next.
   * @param use links or opens the file at this path. It is called once more after another download if somebody has
   * deleted the file.
   * @returns the file, and the result of `use`
   * @throws CairnError `corrupt` when the store lacks it or has other bytes; `unavailable` when store or disk fail; what
   * `use` throws
   */
  async take<T>(
    id: RepositoryId,
    kind: ArtifactKind,
    ref: ArtifactRef,
    use: (path: string) => Promise<T>,
  ): Promise<TakenFile<T>> {
    const name = this.look(kind, ref);
    const path = this.files.pathOf(name);
    for (let hasGone = false; ; ) {
      const { entry, filling } = this.find(id, kind, ref, name);
      const release = this.files.pin(name, entry);
      try {
        await filling?.verified;
        // Make room only after pinning: a file larger than the whole budget must not evict itself.
        await this.files.makeRoom();
        return { file: { path, release }, result: await use(path) };
      } catch (error) {
        const forgot: boolean = !hasGone && (await this.forgetIfGone(name, entry, error));
        release();
        hasGone ||= forgot;
        if (!forgot && (filling === undefined || !saysNothing(error, filling, id))) throw error;
      }
    }
  }

  /**
   * Opens an artifact for reading during its download. All callers share one download, which outlives them. A file of
   * an earlier run is read while it is being checked.
   * @throws CairnError `unavailable` when the disk fails; the stream reports other failures
   */
  async stream(id: RepositoryId, kind: ArtifactKind, ref: ArtifactRef): Promise<ArtifactStream> {
    const name = this.look(kind, ref);
    for (let hasGone = false; ; ) {
      const { entry, filling } = this.find(id, kind, ref, name);
      // The artifact of another repository may be damaged while this one is not, and the error would name the other
      // one.
      if (filling !== undefined && filling.repository !== formatRepositoryId(id)) {
        await filling.verified.catch(() => undefined);
        continue;
      }
      const unpin = this.files.pin(name, entry);
      try {
        const file = await (filling?.file ?? FillingFile.whole(this.files.pathOf(name), entry.size));
        const close = filling === undefined ? file.release : file.hold();
        if (close !== undefined) {
          return streamOf(file, filling?.verified ?? Promise.resolve(), () => {
            close();
            unpin();
          });
        }
        // The fill ended at this moment and nobody else had the file open, so its result is available in a moment.
        // Wait for it: otherwise this loop would never yield, not even to the disk.
        unpin();
        await filling?.verified.catch(() => undefined);
      } catch (error) {
        const forgot: boolean = !hasGone && (await this.forgetIfGone(name, entry, error));
        unpin();
        hasGone ||= forgot;
        if (forgot) continue;
        const reason = await filling?.verified.catch((why: unknown) => why);
        if (!(reason instanceof LeftoverDamagedError)) throw diskError(error);
      }
    }
  }

  /** Frees everything that is not in use, because the disk is full. */
  async relieve(): Promise<void> {
    await this.options.onDiskFull?.();
    await this.files.onPressure();
    await this.files.makeRoom(0);
  }

  /**
   * Adds a file made by this process, with a known digest, to the cache by hard link.
   * @throws CairnError `unavailable` when the disk refuses; the artifact is in the store nevertheless
   */
  async adopt(kind: ArtifactKind, ref: ArtifactRef, source: string): Promise<void> {
    const name = `${ref.digest}.${kind}`;
    const path = this.files.pathOf(name);
    try {
      await this.files.vacant(name);
      await makeFolder(dirname(path), PRIVATE_FOLDER);
      await link(source, path);
    } catch (error) {
      // EEXIST: the entry exists, or an old file that the next download replaces.
      if (systemCode(error) === 'EEXIST') return;
      throw diskError(error);
    }
    const entry = this.fills.get(name)?.entry ?? { size: ref.size, pins: 0, verified: true };
    entry.verified = true;
    this.files.enter(name, entry);
    await this.files.makeRoom();
  }

  private look(kind: ArtifactKind, ref: ArtifactRef): string {
    const name = `${ref.digest}.${kind}`;
    this.options.observer?.looked(this.files.get(name)?.verified === true);
    return name;
  }

  private find(id: RepositoryId, kind: ArtifactKind, ref: ArtifactRef, name: string): Found {
    const file = this.files.get(name);
    if (file?.verified) return { entry: file, filling: undefined };
    const filling = this.fills.get(name) ?? this.fill(id, kind, ref, name);
    return { entry: filling.entry, filling };
  }

  private fill(id: RepositoryId, kind: ArtifactKind, ref: ArtifactRef, name: string): Filling {
    const abort = new AbortController();
    if (this.closed) abort.abort(stopping());
    const leftover = this.files.get(name);
    if (leftover?.size === ref.size) {
      return this.follow(name, leftover, abort, this.check(id, ref, name, abort.signal));
    }
    // A file of another length needs no check.
    if (leftover !== undefined) void this.files.remove(name);
    const entry = { size: ref.size, pins: 0, verified: false };
    return this.follow(name, entry, abort, this.download(id, kind, ref, name, abort.signal));
  }

  private check(
    id: RepositoryId,
    { digest, size }: ArtifactRef,
    name: string,
    signal: AbortSignal,
  ): ArtifactFill {
    const path = this.files.pathOf(name);
    return fillFromLeftover(formatRepositoryId(id), { name, path, digest, size }, signal);
  }

  private download(
    id: RepositoryId,
    kind: ArtifactKind,
    ref: ArtifactRef,
    name: string,
    signal: AbortSignal,
  ): ArtifactFill {
    const { store, ranged } = this.options;
    const path = this.files.pathOf(name);
    const temporary = `${path}.tmp-${this.temporary++}`;
    const relieve = () => this.relieve();
    return fillFromStore(
      formatRepositoryId(id),
      { store, id, kind, ref, ranged, relieve, signal },
      { temporary, path, vacant: () => this.files.vacant(name) },
    );
  }

  private follow(name: string, entry: CachedFile, abort: AbortController, fill: ArtifactFill): Filling {
    // The fill pins the file too: a file adopted under this name meanwhile must not be deleted during the rename.
    const unpin = this.files.pin(name, entry);
    const end = async () => {
      try {
        await fill.verified;
        entry.verified = true;
        this.files.enter(name, entry);
        await this.files.makeRoom();
      } catch (error) {
        if (error instanceof LeftoverDamagedError) await this.files.remove(name);
        throw error;
      } finally {
        this.fills.delete(name);
        unpin();
      }
    };
    const verified = end();
    // It may fail before or after others wait for it.
    verified.catch(() => undefined);
    const filling = { ...fill, verified, entry, abort };
    this.fills.set(name, filling);
    return filling;
  }

  /** Forgets a file if an error says that something is missing, and it is the file. @returns whether it is gone */
  private async forgetIfGone(name: string, entry: CachedFile, error: unknown): Promise<boolean> {
    if (systemCode(error) !== 'ENOENT') return false;
    const missing = await access(this.files.pathOf(name)).catch((reason: unknown) => reason);
    if (systemCode(missing) !== 'ENOENT') return false;
    this.files.forget(name, entry);
    return true;
  }
}

function stopping(): CairnError {
  return publicError('unavailable', 'the server is stopping');
}

/** Whether the failure of a fill says nothing about this repository, so that it should be tried again. */
function saysNothing(error: unknown, filling: Filling, id: RepositoryId): boolean {
  if (error instanceof LeftoverDamagedError) return true;
  return isCairnError(error, 'corrupt') && filling.repository !== formatRepositoryId(id);
}
