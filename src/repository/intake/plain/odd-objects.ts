/**
 * Which objects of a pack git's checks may have something to say about. Nearly all objects are plain: they have a form that git has
 * nothing to say about, and whatever they link to is in the pack, and is what they take it to be. A tree that is kept as a delta is only looked at where
 * it differs from its base, which git does not do. So git has to look at few objects, or none.
 */
import { PACKED_TAG } from '../../../git/index.ts';
import { inStretches } from '../../../lib/cooperative.ts';
import type { SortedIds } from '../../../lib/sorted-ids.ts';
import { mostOdd } from '../bounds/most-odd.ts';
import type { DeflatedEntry, EntryListener } from '../entries/entry-listener.ts';
import type { PackEntries } from '../entries/pack-entries.ts';
import type { HeightBounds } from '../heights/height-bounds.ts';
import type { EarlyCommits } from './early-commits.ts';
import { PlainCommits } from './plain-commits.ts';

/** Objects that git has to look at: their ids in hex digits, one a line. Or all. */
export type OddObjects = { readonly count: number; readonly lines: Buffer } | 'all';

/** Looks at commits and trees of a pack that needs no other objects, while its entries are read. */
export class PlainObjects implements EntryListener {
  private readonly trees: HeightBounds;
  private readonly commits: PlainCommits;

  /** @param early commits that were read before the ids were known */
  constructor(ids: SortedIds, trees: HeightBounds, early?: EarlyCommits) {
    this.trees = trees;
    this.commits = new PlainCommits(ids, early);
  }

  wants(type: number | undefined, base: number): boolean {
    return this.commits.wants(type) || this.trees.wants(type, base);
  }

  take(entry: DeflatedEntry): void {
    if (this.commits.wants(entry.type)) this.commits.take(entry);
    else this.trees.take(entry);
  }

  /** @param entries of the pack, all of which were offered */
  async odd({ ids, types }: PackEntries): Promise<OddObjects> {
    // Git refuses an object that is in a pack twice, if it checks objects.
    if (await ids.hasTwins()) return 'all';
    const trees = await this.trees.oddTrees(types);
    if (trees === undefined) return 'all';
    const commits = await this.commits.odd(types);
    const most = mostOdd(types.length);
    if (trees.size + commits.length > most) return 'all';
    const places = [...trees, ...commits];
    await inStretches(types.length, (from, to) => {
      for (let place = from; place < to && places.length <= most; place++)
        if (types[place] === PACKED_TAG) places.push(place);
    });
    if (places.length > most) return 'all';
    return { count: places.length, lines: await ids.hexLines(places) };
  }
}
