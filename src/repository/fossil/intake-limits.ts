const MiB = 1 << 20;

/** What one request may bring, and what a repository may hold of what waits. Bytes unless said otherwise. */
export interface IntakeLimits {
  /** Of the content of one artifact, or of one unversioned file. */
  readonly artifact: number;
  /** Artifacts of one request. */
  readonly records: number;
  /** Artifacts of one request that are compressed when they come. Of more, a fold that comes soon does it: see `COMPRESSED_BEFORE_FOLDS`. */
  readonly compressed: number;
  /** All contents that one request makes, however often deltas repeat them. */
  readonly expanded: number;
  /** Deltas that one content may be made of. A longer chain is stored whole at this length. */
  readonly chain: number;
  /** Payloads of deltas that wait for their sources, in the whole repository. */
  readonly waiting: number;
  /** Number of such deltas. */
  readonly waitingRecords: number;
  /** Members that the clusters of one request name. */
  readonly members: number;
  /** Members of clusters that are not here, in the whole repository. */
  readonly missing: number;
  /** Number of unversioned files, deleted ones included. */
  readonly unversionedFiles: number;
  /** Contents of all unversioned files. */
  readonly unversioned: number;
}

export const INTAKE_LIMITS: IntakeLimits = {
  artifact: 128 * MiB,
  records: 200_000,
  compressed: Number.POSITIVE_INFINITY,
  expanded: 2_048 * MiB,
  chain: 200,
  waiting: 64 * MiB,
  waitingRecords: 50_000,
  members: 200_000,
  missing: 1_000_000,
  unversionedFiles: 10_000,
  unversioned: 1_024 * MiB,
};

/** `compressed`, where repositories are folded soon after publishes: a request with more artifacts is one of a large push. */
export const COMPRESSED_BEFORE_FOLDS = 50;
