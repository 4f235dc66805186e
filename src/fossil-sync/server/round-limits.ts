/** What one request may make the server do. Defaults are those of stock Fossil where it has any. */
export interface RoundLimits {
  /** Bytes of a reply before it is compressed; what does not fit is announced, and sent when it is asked for again. */
  readonly replyBytes: number;
  /** Milliseconds for which a reply collects artifacts. At least one is always sent. */
  readonly replyMilliseconds: number;
  /** Artifacts that one reply asks a pushing client for. */
  readonly gimmes: number;
  /** Bytes of `igot` cards in one reply. */
  readonly announcementBytes: number;
  /** Artifacts that one publish puts into clusters; at most the members that clusters of one request may name. */
  readonly clustered: number;
  /** Milliseconds for which a pinned clone may go on. After that it begins again from what is published then. */
  readonly pinMilliseconds: number;
  /** Most check-ins that are read for one request to find earlier versions of its files. */
  readonly deltaCheckIns: number;
  /** Bytes of the largest artifact that a fresh delta is made of. */
  readonly deltaBytes: number;
}

export const ROUND_LIMITS: RoundLimits = {
  replyBytes: 5_000_000,
  replyMilliseconds: 30_000,
  gimmes: 500,
  announcementBytes: 32 * 2 ** 20,
  clustered: 100_000,
  pinMilliseconds: 24 * 3_600_000,
  deltaCheckIns: 50,
  deltaBytes: 4 * 2 ** 20,
};
