/**
 * The index of repositories that have mirrors, so that a server finds them without a list of the bucket. It is cut into
 * parts by the digest of the identifier. A repository enters it before its record of mirrors is written, and leaves it
 * after that record is empty: a crash in between leaves a name too much, which the next look drops, never one too few.
 */
import { z } from 'zod';
import { isDigest } from '../../lib/digest.ts';
import { CairnError } from '../../lib/errors.ts';
import { mirrorShardKey, mirrorShardOf, mirrorShards } from '../keys.ts';
import { type RepositoryId, repositoryId } from '../repository-id.ts';
import type { MirrorRecordsContext } from './mirrors-record.ts';
import { type RecordPlace, readRecord, updateRecord } from './shared-record.ts';

const format = z.strictObject({
  version: z.literal(1),
  /** Increases with each write, so that no body ever repeats. */
  revision: z.int().min(0),
  repositories: z.array(
    z.strictObject({
      owner: z.string().refine(isDigest),
      identifier: z.string(),
      /** When its mirrors were last changed by a person, in seconds. */
      at: z.int().min(0),
      /** How often they were changed so: a server that knows another number reads the record again. */
      changes: z.int().min(0),
    }),
  ),
});

type Shard = z.infer<typeof format>;
type ShardEntry = Shard['repositories'][number];

/** A repository that has mirrors, or is about to. */
export interface IndexedRepository {
  readonly id: RepositoryId;
  readonly at: number;
  readonly changes: number;
}

/** Seconds for which a repository without mirrors stays in the index: somebody may be about to write its record. */
const KEPT_EMPTY = 3_600;
/** Most repositories in one part of the index: about 4 MiB. */
const MOST_INDEXED = 10_000;

export class MirrorIndex {
  private readonly context: MirrorRecordsContext;

  constructor(context: MirrorRecordsContext) {
    this.context = context;
  }

  /** The names of the parts. Each is one object in the bucket. */
  get shards(): readonly string[] {
    return mirrorShards;
  }

  /**
   * Reads one part.
   * @param known the version last seen
   * @returns undefined when it has not changed since
   * @throws CairnError `unavailable`, `corrupt`
   */
  async read(
    shard: string,
    known?: string,
  ): Promise<
    { readonly version: string | undefined; readonly repositories: IndexedRepository[] } | undefined
  > {
    const reading = await readRecord(this.place(shard), known);
    if (reading.is === 'unchanged') return undefined;
    if (reading.is === 'absent') return { version: undefined, repositories: [] };
    const repositories = reading.record.repositories.map(({ owner, identifier, at, changes }) => ({
      id: repositoryId(owner, identifier),
      at,
      changes,
    }));
    return { version: reading.version, repositories };
  }

  /**
   * Notes that a person has changed the mirrors of a repository, or is about to: every server reads its record again.
   * @throws CairnError `too-large` when the index is full; `unavailable`, `busy`
   */
  async touch(id: RepositoryId): Promise<void> {
    await updateRecord(this.place(mirrorShardOf(id)), (current) => {
      const others = othersThan(current, id);
      if (others.length >= MOST_INDEXED) {
        throw new CairnError('too-large', 'this service keeps mirrors of as many repositories as it can');
      }
      const changes = (entryOf(current, id)?.changes ?? -1) + 1;
      const { owner, identifier } = id;
      return { repositories: [...others, { owner, identifier, at: this.now(), changes }] };
    });
  }

  /**
   * Drops a repository that has no mirrors, unless it entered the index a short while ago.
   * @param met only drop the entry if it is still this one
   */
  async drop(met: IndexedRepository): Promise<void> {
    const { id } = met;
    if (met.at + KEPT_EMPTY > this.now()) return;
    await updateRecord(this.place(mirrorShardOf(id)), (current) => {
      const entry = entryOf(current, id);
      if (entry === undefined || entry.changes !== met.changes || entry.at !== met.at) return undefined;
      return { repositories: othersThan(current, id) };
    });
  }

  private place(shard: string): RecordPlace<Shard> {
    const { control: store, clock, random } = this.context;
    return { store, key: mirrorShardKey(shard), format, clock, random };
  }

  private now(): number {
    return Math.floor(this.context.clock.now() / 1000);
  }
}

function isFor(entry: ShardEntry, id: RepositoryId): boolean {
  return entry.owner === id.owner && entry.identifier === id.identifier;
}

function entryOf(shard: Shard | undefined, id: RepositoryId): ShardEntry | undefined {
  return shard?.repositories.find((entry) => isFor(entry, id));
}

function othersThan(shard: Shard | undefined, id: RepositoryId): ShardEntry[] {
  return (shard?.repositories ?? []).filter((entry) => !isFor(entry, id));
}
