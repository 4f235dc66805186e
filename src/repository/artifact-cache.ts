import { createHash } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256OfFile } from '../lib/digest.ts';
import { DiskFullError } from '../lib/disk-full.ts';
import { CairnError, isCairnError, messageOf, systemCode } from '../lib/errors.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { damagedArtifact, nameOf } from './artifact-store.ts';
import type { ArtifactKind } from './keys.ts';
import type { ArtifactRef } from './manifest.ts';
import type { RepositoryId } from './repository-id.ts';

/** Hears of every look into the cache. */
export interface CacheObserver {
  looked(hit: boolean): void;
}

/** A file in the cache that stays until `release` is called. */
export interface PinnedFile {
  readonly path: string;
  release(): void;
}

interface CachedFile {
  readonly size: number;
  pins: number;
  /** False for a file of an earlier run until its digest has been checked again: nothing here is ever fsynced. */
  verified: boolean;
}

/**
 * Artifacts on local disk, files named by digest, filled by temporary file, verified digest and rename. One download
 * per artifact however many ask; least recently used files leave when the byte budget is exceeded, but never
 * one that is pinned. Losing the whole folder loses nothing.
 */
export class ArtifactCache {
  private readonly folder: string;
  private readonly budget: number;
  private readonly store: ArtifactStore;
  private readonly observer: CacheObserver | undefined;
  private readonly files = new Map<string, CachedFile>();
  private readonly fills = new SingleFlight<string, void>();
  /** Files being deleted: a new one of that name waits, or it would be deleted in their place. */
  private readonly leaving = new Map<string, Promise<void>>();
  private total = 0;
  private temporary = 0;
  /** Asked to unpin what it can when pinned files alone exceed the budget. */
  onPressure: () => Promise<void> = () => Promise.resolve();

  /** @param budget bytes; pinned files may exceed it for as long as they are pinned */
  constructor(options: {
    readonly folder: string;
    readonly budget: number;
    readonly store: ArtifactStore;
    readonly observer?: CacheObserver;
  }) {
    this.folder = options.folder;
    this.budget = options.budget;
    this.store = options.store;
    this.observer = options.observer;
  }

  /** Takes stock of what an earlier run left, and removes its half-filled files. */
  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    for (const shard of await readdir(this.folder)) {
      for (const name of await readdir(join(this.folder, shard))) {
        const path = join(this.folder, shard, name);
        if (name.includes('.tmp-')) await rm(path, { force: true });
        else this.enter(name, (await stat(path)).size, false);
      }
    }
    await this.makeRoom();
  }

  /**
   * Returns the local file of an artifact, downloading it first if need be. The download goes on when the caller goes
   * away: somebody else may be waiting for it, or come next.
   * @throws CairnError `corrupt` when the store has not got it or has other bytes; `unavailable` when store or disk fail
   */
  async acquire(id: RepositoryId, kind: ArtifactKind, ref: ArtifactRef): Promise<PinnedFile> {
    const name = `${ref.digest}.${kind}`;
    this.observer?.looked(this.files.get(name)?.verified === true);
    for (;;) {
      const file = this.files.get(name);
      if (file?.verified) {
        const pinned = this.pin(name, file);
        // Only now that it is pinned: a file larger than the whole budget must not chase itself out.
        await this.makeRoom();
        return pinned;
      }
      await this.fillOnce(id, kind, ref, name);
    }
  }

  /** One fill of a name at a time. What is wrong with the artifact of another repository is not our business. */
  private async fillOnce(
    id: RepositoryId,
    kind: ArtifactKind,
    ref: ArtifactRef,
    name: string,
  ): Promise<void> {
    let ours = false;
    try {
      await this.fills.run(name, () => {
        ours = true;
        return this.fill(id, kind, ref, name);
      });
    } catch (error) {
      if (ours || !isCairnError(error, 'corrupt')) throw error;
    }
  }

  /** Gives up everything that is not in use: somebody found the disk full. */
  async relieve(): Promise<void> {
    await this.onPressure();
    await this.makeRoom(0);
  }

  /**
   * Puts a file that this process has just made, and whose digest it knows, into the cache by hard link.
   * @throws CairnError `unavailable` when the disk does not take it; the artifact is in the store all the same
   */
  async adopt(kind: ArtifactKind, ref: ArtifactRef, source: string): Promise<void> {
    const name = `${ref.digest}.${kind}`;
    const path = this.pathOf(name);
    try {
      await this.leaving.get(name);
      await mkdir(dirname(path), { recursive: true });
      await link(source, path);
    } catch (error) {
      // EEXIST: an entry of ours already, or a leftover that the next look downloads over.
      if (systemCode(error) === 'EEXIST') return;
      throw diskError(error);
    }
    this.enter(name, ref.size, true);
    await this.makeRoom();
  }

  private async fill(id: RepositoryId, kind: ArtifactKind, ref: ArtifactRef, name: string): Promise<void> {
    const known = this.files.get(name);
    if (known !== undefined) {
      if (known.verified || (await this.reverify(name, ref.digest))) return;
    }
    try {
      await this.download(id, kind, ref, name);
    } catch (error) {
      if (systemCode(error) !== 'ENOSPC') throw diskError(error);
      await this.relieve();
      await this.download(id, kind, ref, name).catch((again) => {
        throw diskError(again);
      });
    }
  }

  private async download(
    id: RepositoryId,
    kind: ArtifactKind,
    ref: ArtifactRef,
    name: string,
  ): Promise<void> {
    const path = this.pathOf(name);
    const temporary = `${path}.tmp-${this.temporary++}`;
    await this.leaving.get(name);
    await mkdir(dirname(path), { recursive: true });
    const found = await this.store.open(id, kind, ref);
    const hash = createHash('sha256');
    let size = 0;
    try {
      const file = await open(temporary, 'wx');
      try {
        for await (const chunk of found.body as AsyncIterable<Buffer>) {
          hash.update(chunk);
          size += chunk.length;
          // Not `write`: on a disk that is filling up it may take a part of the chunk and say nothing.
          await file.writeFile(chunk);
        }
      } finally {
        await file.close();
      }
      if (size !== ref.size || hash.digest('hex') !== ref.digest) {
        throw damagedArtifact(id, nameOf(kind, ref), 'its bytes do not match its digest');
      }
      await rename(temporary, path);
    } catch (error) {
      found.body.destroy();
      await rm(temporary, { force: true });
      throw error;
    }
    this.enter(name, size, true);
  }

  /** Checks a file of an earlier run; removes it when it is not what its name says. */
  private async reverify(name: string, digest: string): Promise<boolean> {
    const file = this.files.get(name);
    const actual = await sha256OfFile(this.pathOf(name)).catch(() => undefined);
    if (file !== undefined && actual === digest) {
      file.verified = true;
      return true;
    }
    await this.remove(name);
    return false;
  }

  private pin(name: string, file: CachedFile): PinnedFile {
    file.pins++;
    this.files.delete(name);
    this.files.set(name, file);
    let held = true;
    return {
      path: this.pathOf(name),
      release: () => {
        if (held) file.pins--;
        held = false;
      },
    };
  }

  private enter(name: string, size: number, verified: boolean): void {
    const before = this.files.get(name);
    if (before !== undefined) {
      before.verified = before.verified || verified;
      return;
    }
    this.files.set(name, { size, pins: 0, verified });
    this.total += size;
  }

  private async makeRoom(budget = this.budget): Promise<void> {
    if (this.total <= budget) return;
    await this.evict(budget);
    if (this.total <= budget) return;
    await this.onPressure();
    await this.evict(budget);
  }

  private async evict(budget: number): Promise<void> {
    for (const [name, file] of this.files) {
      if (this.total <= budget) return;
      if (file.pins === 0) await this.remove(name);
    }
  }

  private async remove(name: string): Promise<void> {
    const file = this.files.get(name);
    if (file === undefined) return;
    this.files.delete(name);
    this.total -= file.size;
    // Best effort: what cannot be removed now is found again, and removed, at the next start.
    const gone = rm(this.pathOf(name), { force: true })
      .catch(() => undefined)
      .finally(() => this.leaving.delete(name));
    this.leaving.set(name, gone);
    await gone;
  }

  private pathOf(name: string): string {
    return join(this.folder, name.slice(0, 2), name);
  }
}

function diskError(error: unknown): unknown {
  const code = systemCode(error);
  if (error instanceof CairnError || code === undefined) return error;
  if (code === 'ENOSPC') return new DiskFullError('for this repository', error);
  return new CairnError('unavailable', `the artifact cache cannot be written: ${messageOf(error)}`, {
    cause: error,
  });
}
