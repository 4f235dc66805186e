import type { Dataset } from './generate.ts';

/** What was done for the reference's repository: `repack -ad`, or bitmaps and a commit-graph too. */
export type Upkeep = 'repacked' | 'bitmapped';

/** A git server under measurement; Cairn and the reference look alike to the rows. */
export interface Host {
  /** The server's main process. */
  readonly pid: number;
  /** Makes an empty repository ready for a first push and returns its URL. */
  create(identifier: string): Promise<string>;
  /** Makes a repository that holds the whole data set and returns its URL. Cairn does its own upkeep. */
  add(identifier: string, dataset: Dataset, upkeep?: Upkeep): Promise<string>;
  /** Arguments of git that show who pushes to a URL; absent where anybody may. Good for a minute. */
  readonly signIn?: (url: string) => readonly string[];
  /** Stops the server and deletes what it stored. */
  stop(): Promise<void>;
}
