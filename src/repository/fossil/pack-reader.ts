import { type FileHandle, open } from 'node:fs/promises';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import { sha256 } from '../../lib/digest.ts';
import { CairnError, isCairnError, messageOf, systemCode } from '../../lib/errors.ts';
import { type Bytes, FileBytes } from '../../lib/file-bytes.ts';
import { LruMap } from '../../lib/lru.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import { readInto } from '../../lib/streams.ts';
import type { ObjectBody } from '../../object-store/object-store.ts';
import { type ArtifactStore, damagedArtifact, nameOf } from '../artifact-store.ts';
import type { ArtifactCache, PinnedFile } from '../cache/artifact-cache.ts';
import { artifactKey } from '../keys.ts';
import type { RepositoryId } from '../repository-id.ts';
import { LARGE_CONTENT } from './content-maker.ts';
import type { FossilPack } from './fossil-manifest.ts';
import { PackIndex } from './pack-index.ts';

/** A pack of at most this many bytes is kept in memory once it was read or written. */
const SMALL_PACK = 1 << 20;

/** Largest pack that is read without a cache on disk. */
const LARGEST_IN_MEMORY = 256 << 20;

/** A payload somewhere in a pack. */
export interface PayloadPlace {
  /** The number of the pack in its state. */
  readonly pack: number;
  readonly offset: number;
  readonly length: number;
}

export interface PackReaderOptions {
  readonly artifacts: ArtifactStore;
  /** Absent where nothing is kept on disk: packs are read into memory. */
  readonly cache?: ArtifactCache;
  /** Bytes of small packs in memory. */
  readonly memory: number;
}

/** Reads packs of artifacts, whose digests are verified before anything of them is used. */
export class PackReader {
  private readonly options: PackReaderOptions;
  private readonly small: LruMap<string, Buffer>;
  /** By key in the store: one repository may lack its copy of a pack that another one has, and the error names the repository. */
  private readonly loading = new SingleFlight<string, Buffer>();

  constructor(options: PackReaderOptions) {
    this.options = options;
    this.small = new LruMap(options.memory);
  }

  /** Remembers a pack that was just stored: the next reader needs no request. */
  remember({ pack }: FossilPack, body: ObjectBody): void {
    if (body instanceof Uint8Array && body.length <= SMALL_PACK) {
      this.small.set(pack.digest, Buffer.from(body.buffer, body.byteOffset, body.length), body.length);
    }
  }

  /** Keeps the file of a pack that was just stored, if there is a cache on disk with room for it. Otherwise the next reader asks the store. */
  async adopt({ pack }: FossilPack, body: ObjectBody): Promise<void> {
    if (body instanceof Uint8Array) return;
    try {
      await this.options.cache?.adopt('bag', pack, body.path);
    } catch (error) {
      // A full disk. The pack itself is stored.
      if (!isCairnError(error) && systemCode(error) === undefined) throw error;
    }
  }

  /**
   * Reads the index of a pack, without the rest.
   * @throws CairnError `corrupt` naming the pack if it is missing or damaged; `unavailable`
   */
  async index(id: RepositoryId, { pack, index }: FossilPack): Promise<PackIndex> {
    const known = this.small.get(pack.digest);
    const bytes =
      known?.subarray(index.offset) ??
      (await this.range(id, pack, { offset: index.offset, length: index.size }));
    const corrupt = (problem: string) => damagedArtifact(id, nameOf('bag', pack), problem);
    if (sha256(bytes) !== index.digest) throw corrupt('its index does not match its digest');
    try {
      return new PackIndex(bytes);
    } catch (error) {
      throw corrupt(messageOf(error));
    }
  }

  /** Opens packs for reading payloads. The caller closes the session. */
  session(id: RepositoryId, packs: readonly FossilPack[]): PackSession {
    return new PackSession((number) => {
      const entry = packs[number];
      if (entry === undefined)
        throw new CairnError('corrupt', `a state of ${id.identifier} has no pack ${number}`);
      return this.open(id, entry);
    });
  }

  private async open(id: RepositoryId, { pack }: FossilPack): Promise<OpenedPack> {
    const { cache } = this.options;
    const known = this.small.get(pack.digest);
    if (known !== undefined) return { bytes: known };
    if (cache === undefined || pack.size <= SMALL_PACK) {
      const key = artifactKey(id, nameOf('bag', pack));
      return { bytes: await this.loading.run(key, () => this.whole(id, pack)) };
    }
    try {
      const { file: pinned, result: file } = await cache.take(id, 'bag', pack, (path) => open(path));
      return { pinned, file };
    } catch (error) {
      if (isCairnError(error)) throw error;
      throw new CairnError('unavailable', `a cached pack cannot be read: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  private async whole(id: RepositoryId, pack: FossilPack['pack']): Promise<Buffer> {
    if (pack.size > LARGEST_IN_MEMORY) {
      throw new CairnError('too-large', 'the packs of this repository can only be read with a cache on disk');
    }
    const bytes = await this.range(id, pack);
    if (sha256(bytes) !== pack.digest) {
      throw damagedArtifact(id, nameOf('bag', pack), 'its bytes do not match its digest');
    }
    this.small.set(pack.digest, bytes, bytes.length);
    return bytes;
  }

  private async range(
    id: RepositoryId,
    pack: FossilPack['pack'],
    range?: { readonly offset: number; readonly length: number },
  ): Promise<Buffer> {
    const { body } = await this.options.artifacts.open(id, 'bag', pack, range === undefined ? {} : { range });
    try {
      return await readInto(body, Buffer.allocUnsafeSlow(range?.length ?? pack.size));
    } catch (error) {
      if (error instanceof CairnError && error.kind === 'corrupt') throw error;
      throw new CairnError(
        'unavailable',
        `the object store failed while a pack was read: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }
}

type OpenedPack =
  | { readonly bytes: Buffer; readonly file?: never }
  | { readonly file: FileHandle; readonly pinned: PinnedFile; readonly bytes?: never };

/** Packs of one state that are open for reading. */
export class PackSession implements AsyncDisposable {
  private readonly open: (pack: number) => Promise<OpenedPack>;
  private readonly opened = new Map<number, Promise<OpenedPack>>();
  private closed = false;

  constructor(open: (pack: number) => Promise<OpenedPack>) {
    this.open = open;
  }

  /**
   * The bytes at a place: a payload, or several that follow each other.
   * @param room of the same length, for bytes that are not in memory
   * @returns `room` if the bytes were read there; otherwise they must not be changed
   * @throws CairnError `corrupt` if the pack is missing or damaged; `unavailable`. Error if the session is closed: a file that is
   *   opened then would never be closed
   */
  async read({ pack, offset, length }: PayloadPlace, room?: Buffer): Promise<Buffer> {
    const { bytes, file } = await this.opening(pack);
    if (bytes !== undefined) return bytes.subarray(offset, offset + length);
    const buffer = room ?? Buffer.allocUnsafe(length);
    const { bytesRead } = await file.read(buffer, 0, length, offset);
    if (bytesRead !== length) throw new CairnError('unavailable', 'a cached pack was cut short');
    return buffer;
  }

  /** As {@link read}; a long payload stays in its file. It can be read until the session is closed. */
  async bytes(place: PayloadPlace): Promise<Bytes> {
    if (place.length <= LARGE_CONTENT) return this.read(place);
    const { bytes, file } = await this.opening(place.pack);
    const { offset, length } = place;
    return bytes === undefined
      ? new FileBytes(file, offset, length)
      : bytes.subarray(offset, offset + length);
  }

  /** Closes what was opened. The caller has awaited its reads. */
  async close(): Promise<void> {
    this.closed = true;
    const all = [...this.opened.values()];
    this.opened.clear();
    await allSettledOrThrow(
      all.map(async (opening) => {
        // One that could not be opened has told so to whoever read.
        const pack = await opening.catch(() => undefined);
        if (pack?.file === undefined) return;
        await pack.file.close().finally(() => pack.pinned.release());
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private opening(pack: number): Promise<OpenedPack> {
    if (this.closed) throw new Error('a pack is read in a session that is closed');
    const known = this.opened.get(pack);
    if (known !== undefined) return known;
    const opening = this.open(pack);
    this.opened.set(pack, opening);
    return opening;
  }
}
