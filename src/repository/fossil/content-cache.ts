import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { TwoGenerations } from '../../lib/two-generations.ts';

/** Of the whole cache, the largest part that one content may take. */
const LARGEST_SHARE = 1 / 8;

/**
 * Small buffers of Node.js are parts of a pool of this size. A part of anything larger, such as a request, would keep all of that in
 * memory.
 */
const POOL = Buffer.poolSize;

/** What a cache has done so far. */
export interface ContentCacheStats {
  readonly hits: number;
  readonly misses: number;
  /** Contents that are kept. One that was used again may count twice. */
  readonly entries: number;
  /** Bytes of them. */
  readonly bytes: number;
}

/**
 * Expanded contents of artifacts, the recently used ones, bounded by bytes and by number. Only what was verified against its name
 * may be given to it. Each repository has its own part: two contents with one SHA-1 can be made, and one repository must not get
 * the other's. The returned contents must not be changed.
 */
export class ContentCache {
  private readonly bytes: number;
  private readonly contents: TwoGenerations<string, Uint8Array>;
  private readonly perEntry: number;
  private hits = 0;
  private misses = 0;

  /** @param limits bytes of contents, and how many contents */
  constructor(limits: { readonly bytes: number; readonly entries: number }) {
    this.bytes = limits.bytes;
    this.contents = new TwoGenerations(limits.bytes);
    // Small contents weigh as much as the average one of a full cache, so that the number is bounded, too.
    this.perEntry = Math.ceil(limits.bytes / Math.max(1, limits.entries));
  }

  get stats(): ContentCacheStats {
    const { hits, misses } = this;
    return { hits, misses, entries: this.contents.size, bytes: this.contents.weight };
  }

  /** @param repository which repository the artifact is of */
  get(repository: string, name: ArtifactName): Uint8Array | undefined {
    const content = this.contents.get(`${repository} ${name}`);
    if (content === undefined) this.misses++;
    else this.hits++;
    return content;
  }

  /** Remembers a verified content, unless it is too large. A part of a larger buffer is copied. */
  remember(repository: string, name: ArtifactName, content: Uint8Array): void {
    if (content.length > this.bytes * LARGEST_SHARE) return;
    const isPart = content.buffer.byteLength > content.length + POOL;
    const kept = isPart ? Buffer.from(content) : content;
    this.contents.set(`${repository} ${name}`, kept, Math.max(content.length, this.perEntry));
  }
}
