/**
 * The objects that a fold sets apart. Their packs are still published during the fold, so refs may be pointed at them
 * meanwhile.
 */
import { type ObjectFormat, PackIdx } from '../../git/index.ts';
import { Yielder } from '../../lib/cooperative.ts';
import { openFile } from '../../lib/opened-file.ts';
import { SortedIds } from '../../lib/sorted-ids.ts';
import type { GitState } from '../../repository/git/git-manifest.ts';
import { CheckedRefs } from './checked-refs.ts';

/** Objects whose ids are kept in memory, 24 bytes each. With more objects, any object may be one of them. */
const MOST_KEPT = 5_000_000;

export class ApartObjects {
  private readonly ids: SortedIds | undefined;
  /** Refs that reach none of the objects. */
  private readonly walked: CheckedRefs;

  private constructor(ids: SortedIds | undefined, walked: CheckedRefs) {
    this.ids = ids;
    this.walked = walked;
  }

  /**
   * @param idx path of the idx of their pack
   * @param objects their number
   * @param state a state whose refs reach none of them
   * @throws CairnError `corrupt` when the idx is damaged; errors of the file system
   */
  static async of(
    idx: string,
    objects: number,
    state: Pick<GitState, 'refs' | 'objectFormat'>,
  ): Promise<ApartObjects> {
    const walked = new CheckedRefs();
    await walked.add(state.refs);
    const ids = objects > MOST_KEPT ? undefined : await readIds(idx, state.objectFormat);
    return new ApartObjects(ids, walked);
  }

  /** Whether a ref may point at one of the objects. */
  async areNamed(refs: GitState['refs']): Promise<boolean> {
    const pauses = new Yielder();
    for (const oid of this.walked.others(refs)) {
      if (this.ids === undefined || this.ids.indexOf(Buffer.from(oid, 'hex')) !== -1) return true;
      if (pauses.isDueByNow) await pauses.next();
    }
    return false;
  }
}

async function readIds(path: string, format: ObjectFormat): Promise<SortedIds> {
  const file = await openFile(path);
  try {
    const idx = await PackIdx.open(file.read, format);
    const blocks: Buffer[] = [];
    for await (const block of idx.ids()) blocks.push(block);
    const ids = new SortedIds(Buffer.concat(blocks), idx.idLength);
    await ids.prepare();
    return ids;
  } finally {
    await file.close();
  }
}
