/**
 * The catalog of the event log: it lists the event segments, and the writers with their positions. It is the only object of
 * the log that changes, by compare-and-swap. With it a reader never has to list the store.
 */
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { type Digest, isDigest } from '../../lib/digest.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore, VersionToken } from '../../object-store/object-store.ts';
import { CATALOG_KEY } from '../../repository/keys.ts';
import {
  type RecordPlace,
  readRecord,
  type SharedRecord,
  updateRecord,
} from '../../repository/records/shared-record.ts';

/** Many log entries compacted into one object. `size` in bytes, `count` in events. */
export interface EventSegmentRef {
  readonly digest: Digest;
  readonly size: number;
  readonly count: number;
}

export interface WriterRecord {
  /** Entries before this one have been compacted into event segments. */
  readonly folded: number;
  /** Seconds: when the writer last registered. It does so at least once an hour while it writes. */
  readonly at: number;
}

/** Objects that a compaction has made superfluous. They stay for a while for readers, and are deleted later. */
export interface CondemnedRecord {
  readonly fold: string;
  /** Seconds. */
  readonly at: number;
  readonly segments: readonly Digest[];
  /** Entries `from` (inclusive) to `to` (exclusive) of a writer. */
  readonly entries: readonly { readonly writer: string; readonly from: number; readonly to: number }[];
}

export interface CatalogRecord extends SharedRecord {
  readonly segments: readonly EventSegmentRef[];
  readonly writers: Readonly<Record<string, WriterRecord>>;
  readonly condemned: readonly CondemnedRecord[];
}

const count = z.int().nonnegative();
const digest = z.string().refine(isDigest);
const writerId = z.string().regex(/^[0-9a-f]{16}$/);

const catalogFormat: z.ZodType<CatalogRecord> = z.object({
  version: z.literal(1),
  revision: count,
  segments: z.array(z.object({ digest, size: count, count })),
  writers: z.record(writerId, z.object({ folded: count, at: count })),
  condemned: z.array(
    z.object({
      fold: z.string(),
      at: count,
      segments: z.array(digest),
      entries: z.array(z.object({ writer: writerId, from: count, to: count })),
    }),
  ),
});

const EMPTY: CatalogRecord = { version: 1, revision: -1, segments: [], writers: {}, condemned: [] };

export class EventCatalog {
  private readonly place: RecordPlace<CatalogRecord>;
  private version: VersionToken | undefined;
  private latest = EMPTY;

  constructor(options: { readonly control: ObjectStore; readonly clock: Clock; readonly random: Random }) {
    const { control, clock, random } = options;
    this.place = { store: control, key: CATALOG_KEY, format: catalogFormat, clock, random };
  }

  /** The catalog as last read; empty, with revision −1, while the log is empty. */
  get current(): CatalogRecord {
    return this.latest;
  }

  /** Reads the catalog again if it has changed. @throws CairnError `unavailable`, `corrupt` */
  async refresh(): Promise<CatalogRecord> {
    const reading = await readRecord(this.place, this.version);
    if (reading.is === 'found') {
      this.version = reading.version;
      this.latest = reading.record;
    }
    return this.latest;
  }

  /**
   * Changes the catalog by compare-and-swap.
   * @param change returns the new content, or undefined when nothing is to change; called again after a lost race
   * @throws CairnError `unavailable`, `busy`, `corrupt`: the change may still have happened
   */
  async update(
    change: (current: CatalogRecord) => Omit<CatalogRecord, keyof SharedRecord> | undefined,
  ): Promise<void> {
    await updateRecord(this.place, (current) => change(current ?? EMPTY));
  }
}
