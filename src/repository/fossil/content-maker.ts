import {
  contentSizeOf,
  deflatePayloadInPieces,
  inflatePayloadAside,
  inflatePayloadInPieces,
} from '../../fossil/compression.ts';
import { applyDelta, deltaOutputSize } from '../../fossil/delta.ts';
import { applyDeltaInPieces } from '../../fossil/delta-in-pieces.ts';
import { type Bytes, FileBytes, inMemory } from '../../lib/file-bytes.ts';
import type { ScratchFile, ScratchFiles } from '../../lib/scratch-files.ts';

/** Contents, payloads and deltas of more bytes are never in memory as a whole. */
export const LARGE_CONTENT = 4 << 20;

/** The first line of a delta, which says how large the result is, has fewer bytes. */
const DELTA_HEAD = 64;

/** Files that are kept: a delta, its source and its result are needed at once. */
const FILES_KEPT = 4;

/**
 * Makes contents: small ones in memory, and large ones in scratch files. The files that were made last are kept; all are closed at the
 * end.
 */
export class ContentMaker implements AsyncDisposable {
  private readonly scratch: ScratchFiles;
  private readonly files = new Map<string, { readonly file: ScratchFile; readonly bytes: FileBytes }>();

  constructor(scratch: ScratchFiles) {
    this.scratch = scratch;
  }

  /** A large content that was made before, unless others were made since. */
  get(key: string): FileBytes | undefined {
    const found = this.files.get(key);
    if (found === undefined) return undefined;
    this.files.delete(key);
    this.files.set(key, found);
    return found.bytes;
  }

  /** Closes the file of a content that is not used any more. */
  async drop(key: string): Promise<void> {
    const dropped = this.files.get(key);
    this.files.delete(key);
    await dropped?.file.close();
  }

  /**
   * The content of a payload.
   * @param key of what is made
   * @throws CairnError as `inflatePayload`; `busy` or `unavailable` if there is no disk space
   */
  async inflated(key: string, payload: Bytes, maxSize: number): Promise<Bytes> {
    const size = await contentSizeOf(payload);
    if (isSmall(size, payload)) return inflatePayloadAside(await inMemory(payload), maxSize);
    return this.make(key, (file) => inflatePayloadInPieces(payload, maxSize, (piece) => file.append(piece)));
  }

  /** The payload of a large content. @throws CairnError `busy` or `unavailable` if there is no disk space */
  deflated(key: string, content: FileBytes): Promise<FileBytes> {
    return this.make(key, (file) => deflatePayloadInPieces(content, (piece) => file.append(piece)));
  }

  /**
   * What a delta makes of its source. The source is among those that were made last.
   * @param key of what is made
   * @throws DeltaError; CairnError `busy` or `unavailable` if there is no disk space
   */
  async applied(key: string, source: Bytes, delta: Bytes, maxSize: number): Promise<Bytes> {
    if (source instanceof Uint8Array && delta instanceof Uint8Array) {
      const size = deltaOutputSize(delta);
      if (size > maxSize || isSmall(size, source, delta)) return applyDelta(source, delta, maxSize);
    }
    return this.make(key, (file) =>
      applyDeltaInPieces(source, delta, maxSize, (piece) => file.append(piece)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const key of [...this.files.keys()]) await this.drop(key);
  }

  private async make(key: string, write: (file: ScratchFile) => Promise<void>): Promise<FileBytes> {
    const file = await this.scratch.open();
    try {
      await write(file);
      const bytes = await file.bytes();
      await this.drop(key);
      this.files.set(key, { file, bytes });
      const [oldest] = this.files.keys();
      if (this.files.size > FILES_KEPT && oldest !== undefined) await this.drop(oldest);
      return bytes;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

/** The size that a delta declares for its result. @throws DeltaError if it declares none */
export async function declaredByDelta(delta: Bytes): Promise<number> {
  return deltaOutputSize(delta instanceof FileBytes ? await delta.read(0, DELTA_HEAD) : delta);
}

function isSmall(size: number, ...parts: readonly Bytes[]): boolean {
  return size <= LARGE_CONTENT && parts.every(({ length }) => length <= LARGE_CONTENT);
}
