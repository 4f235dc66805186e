/** Takes entries of a pack while they are in memory, in the order of the pack. */
export interface EntryListener {
  /**
   * True if it wants to have an entry.
   * @param type of the object; undefined for a delta
   * @param base place of the entry that it builds on, or -1. That may come later in the pack.
   */
  wants(type: number | undefined, base: number): boolean;
  take(entry: DeflatedEntry): void;
}

/** An entry of a pack. */
export interface DeflatedEntry {
  readonly place: number;
  /** Where it begins in the pack. */
  readonly offset: number;
  /** Type of the object; undefined for a delta. */
  readonly type: number | undefined;
  /** Place of the entry that it builds on, or -1. */
  readonly base: number;
  /** Bytes once it is inflated. */
  readonly size: number;
  /** Where it is deflated, for the time of the call. */
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}
