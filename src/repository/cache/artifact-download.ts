import { concurrently } from '../../lib/concurrently.ts';
import { isDiskFull } from '../../lib/disk-full.ts';
import { isCairnError } from '../../lib/errors.ts';
import { Limiter } from '../../lib/limiter.ts';
import { StoreRefusedError } from '../../object-store/store-refused.ts';
import { type ArtifactStore, damagedArtifact, nameOf } from '../artifact-store.ts';
import type { FillingFile } from './filling-file.ts';
import type { ArtifactKind } from '../keys.ts';
import type { ArtifactRef } from '../manifest.ts';
import type { RepositoryId } from '../repository-id.ts';

/** How a large artifact is downloaded in ranges over several connections. */
export interface RangedDownloads {
  /** Larger artifacts are downloaded in ranges. */
  readonly above: number;
  /** Bytes of one range. */
  readonly length: number;
  /** Concurrent ranges of one artifact. */
  readonly atOnce: number;
  /** Slots for the ranges of all artifacts of the process. */
  readonly slots: Limiter;
}

const MIB = 1024 * 1024;

/** The defaults: a range that one connection transfers within a third of a second is not worth splitting. */
export function rangedDownloads(): RangedDownloads {
  const slots = new Limiter('ranges of downloads', 32, Number.POSITIVE_INFINITY);
  return { above: 32 * MIB, length: 16 * MIB, atOnce: 4, slots };
}

export interface Download {
  readonly store: ArtifactStore;
  readonly id: RepositoryId;
  readonly kind: ArtifactKind;
  readonly ref: ArtifactRef;
  /** The file that receives the download. */
  readonly file: FillingFile;
  /** Absent where several connections are not faster: the whole artifact is one request. */
  readonly ranged: RangedDownloads | undefined;
  /** Frees disk space when the disk is full. */
  readonly relieve: () => Promise<void>;
  readonly signal: AbortSignal;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Attempts per range; bytes that have arrived are not requested again. */
const ATTEMPTS = 3;

/**
 * Downloads an artifact, a large one in several concurrent ranges: one connection to S3 carries about 100 MB/s,
 * however fast the network is. A range that breaks off continues where it stopped. Checks sizes and versions, not the
 * digest.
 * @throws CairnError `corrupt` when the store lacks it, has it in another size, or replaced it meanwhile;
 * `unavailable` when the store fails; errors of the file system
 */
export async function downloadArtifact(download: Download): Promise<void> {
  const { ref, ranged } = download;
  const changes = new OneVersion(download);
  if (ranged === undefined || ref.size <= ranged.above) {
    await fetchRange(download, changes, { start: 0, end: ref.size }, download.signal);
    return;
  }
  const failed = new AbortController();
  const signal = AbortSignal.any([download.signal, failed.signal]);
  await concurrently(rangesOf(ref.size, ranged.length), ranged.atOnce, async (range) => {
    const release = await ranged.slots.acquire(signal);
    try {
      await fetchRange(download, changes, range, signal);
    } catch (error) {
      failed.abort(error);
      throw error;
    } finally {
      release();
    }
  });
}

function rangesOf(size: number, length: number): Range[] {
  const ranges: Range[] = [];
  for (let start = 0; start < size; start += length) {
    ranges.push({ start, end: Math.min(start + length, size) });
  }
  return ranges;
}

async function fetchRange(
  download: Download,
  version: OneVersion,
  range: Range,
  signal: AbortSignal,
): Promise<void> {
  let at = range.start;
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchOnce(download, version, { start: at, end: range.end }, signal, async (chunk) => {
        await writeChunk(download, range.start, at, chunk);
        at += chunk.length;
      });
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (at === range.end && at > range.start) return;
      if (attempt === ATTEMPTS || !isWorthAnother(error)) throw error;
    }
  }
}

async function fetchOnce(
  download: Download,
  version: OneVersion,
  { start, end }: Range,
  signal: AbortSignal,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  const { store, id, kind, ref } = download;
  const isWhole = start === 0 && end === ref.size;
  const range = isWhole ? {} : { range: { offset: start, length: end - start } };
  // A signal per request: every layer of a store adds a listener, and Node prints a warning for many listeners of one
  // signal.
  const found = await store.open(id, kind, ref, { signal: AbortSignal.any([signal]), ...range });
  let left = end - start;
  try {
    version.check(found.version);
    for await (const chunk of found.body as AsyncIterable<Buffer>) {
      left -= chunk.length;
      if (left < 0) break;
      await take(chunk);
    }
  } finally {
    found.body.destroy();
  }
  if (left !== 0) throw damagedArtifact(id, nameOf(kind, ref), 'its bytes do not match its size');
}

async function writeChunk(download: Download, start: number, at: number, chunk: Buffer): Promise<void> {
  try {
    await download.file.write(start, at, chunk);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    await download.relieve();
    await download.file.write(start, at, chunk);
  }
}

function isWorthAnother(error: unknown): boolean {
  return isCairnError(error, 'unavailable') && !(error instanceof StoreRefusedError);
}

/** Checks that all answers about one object have the same version, because bytes of two versions must not be mixed. */
class OneVersion {
  private readonly download: Download;
  private version: string | undefined;

  constructor(download: Download) {
    this.download = download;
  }

  check(version: string): void {
    this.version ??= version;
    if (this.version === version) return;
    const { id, kind, ref } = this.download;
    throw damagedArtifact(id, nameOf(kind, ref), 'it was replaced while it was read');
  }
}
