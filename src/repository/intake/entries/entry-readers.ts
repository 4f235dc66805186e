import type { SortedIds } from '../../../lib/sorted-ids.ts';
import type { EarlyEntries } from './early-entries.ts';
import type { EntryListener } from './entry-listener.ts';

/** Who reads entries of a pack, before its idx is there and afterwards. */
export interface EntryReaders {
  readonly begun: EarlyEntries | undefined;
  /**
   * Makes a listener when the ids are known.
   * @param trees places of the trees that `begun` has read, by number; undefined when it is of no use
   */
  readonly listen: (ids: SortedIds, trees: Uint32Array | undefined) => Promise<EntryListener | undefined>;
}

export const NO_READERS: EntryReaders = { begun: undefined, listen: async () => undefined };
