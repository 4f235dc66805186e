/**
 * What has been done for a repository before it is measured. The reference: `repack -ad`, or bitmaps and a commit-graph
 * too. Cairn folds, unless the repository is to stay as it was pushed.
 */
export type Upkeep = 'repacked' | 'bitmapped' | 'as-pushed';

/** A git server under measurement; Cairn and the reference look alike to the rows. */
export interface Host {
  /** The server's main process. */
  readonly pid: number;
  /** Makes an empty repository ready for a first push and returns its URL. */
  create(identifier: string): Promise<string>;
  /** Makes a repository that holds everything a local one does and returns its URL. */
  add(identifier: string, source: { readonly path: string }, upkeep?: Upkeep): Promise<string>;
  /** Arguments of git that show who pushes to a URL; absent where anybody may. Good for a minute. */
  readonly signIn?: (url: string) => readonly string[];
  /** Stops the server and deletes what it stored. */
  stop(): Promise<void>;
}
