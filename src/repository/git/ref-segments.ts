import { type LazySegment, RefSegment, type RefTable } from '../../git/index.ts';
import { concurrently } from '../../lib/concurrently.ts';
import { LoopTurns } from '../../lib/cooperative.ts';
import { sha256 } from '../../lib/digest.ts';
import { becauseOf, isCairnError, messageOf } from '../../lib/errors.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import { readAll } from '../../lib/streams.ts';
import { type ArtifactStore, damagedArtifact, nameOf } from '../artifact-store.ts';
import { repositoryPrefix } from '../keys.ts';
import type { RepositoryPlace } from '../repository-id.ts';

/** Ref segments read or written at once for one table. */
const PARALLEL = 8;

/**
 * The ref segments in the store. They are written before the manifest that names them is published, and verified when
 * read.
 */
export class RefSegments {
  private readonly artifacts: ArtifactStore;
  private readonly loading = new SingleFlight<LazySegment, void>();
  private readonly turns = new LoopTurns();
  /** Where a ref segment is known to be stored. */
  private readonly stored = new WeakMap<LazySegment, string>();

  constructor(artifacts: ArtifactStore) {
    this.artifacts = artifacts;
  }

  /** Records that a ref segment is in the store, because a manifest names it. */
  note(id: RepositoryPlace, lazy: LazySegment): void {
    this.stored.set(lazy, repositoryPrefix(id));
  }

  /**
   * Loads the contents of segments, several at once, each decoded in a turn of the event loop of its own.
   * @throws CairnError `corrupt` naming the artifact when it is missing or damaged; `unavailable` when the store fails
   */
  async load(
    id: RepositoryPlace,
    segments: readonly LazySegment[],
    format: RefTable['format'],
  ): Promise<void> {
    await concurrently(segments, PARALLEL, (lazy) =>
      this.loading.run(lazy, async () => {
        const bytes = await this.read(id, lazy);
        await this.turns.next();
        lazy.fill(this.decode(id, lazy, bytes, format));
      }),
    );
  }

  /**
   * Makes the segments of a table durable, those that are not yet.
   * @param generation of the repository, see `firstCopy`
   * @returns which copies were stored, by digest, where it was not the first
   */
  async write(
    id: RepositoryPlace,
    table: RefTable,
    generation: number | undefined,
  ): Promise<ReadonlyMap<string, number>> {
    const copies = new Map<string, number>();
    const fresh = table.segments.filter((lazy) => this.stored.get(lazy) !== repositoryPrefix(id));
    await concurrently(fresh, PARALLEL, async (lazy) => {
      const { digest } = lazy.summary;
      const { n } = await this.artifacts.put(id, 'refs', digest, lazy.content.bytes, { generation });
      if (n === lazy.summary.n) this.note(id, lazy);
      else if (n !== undefined) copies.set(digest, n);
    });
    return copies;
  }

  private async read(id: RepositoryPlace, { summary }: LazySegment): Promise<Buffer> {
    const found = await this.artifacts.open(id, 'refs', summary);
    try {
      return await readAll(found.body, summary.size);
    } catch (error) {
      if (isCairnError(error, 'too-large'))
        throw damagedArtifact(id, nameOf('refs', summary), messageOf(error));
      if (isCairnError(error)) throw error;
      throw becauseOf('unavailable', 'the object store broke off while reading refs', error);
    }
  }

  private decode(
    id: RepositoryPlace,
    { summary }: LazySegment,
    bytes: Buffer,
    format: RefTable['format'],
  ): RefSegment {
    const damaged = (problem: string) => damagedArtifact(id, nameOf('refs', summary), problem);
    if (sha256(bytes) !== summary.digest) throw damaged('its bytes do not match its digest');
    const segment = RefSegment.parse(bytes, format);
    if (typeof segment === 'string') throw damaged(segment);
    const { first, last, count } = segment.summary;
    if (first !== summary.first || last !== summary.last || count !== summary.count) {
      throw damaged('it does not match the manifest');
    }
    return segment;
  }
}
