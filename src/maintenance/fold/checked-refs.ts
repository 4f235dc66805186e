import { differingRefs } from '../../git/index.ts';
import { inBatches } from '../../lib/cooperative.ts';

type Refs = ReadonlyMap<string, string>;

/**
 * Refs whose objects a fold has found complete. Other refs are compared with the last ones, so that only differences
 * cost time.
 */
export class CheckedRefs {
  private last: Refs = new Map();
  private readonly oids = new Set<string>();

  /** Adds all these refs; yields to other work in between. */
  async add(refs: Refs): Promise<void> {
    const fresh = this.last.size === 0 ? refs.values() : differing(refs, this.last);
    for await (const piece of inBatches(fresh)) for (const oid of piece) this.oids.add(oid);
    this.last = refs;
  }

  /** Whether everything that this object reaches is known to be there. */
  has(oid: string): boolean {
    return this.oids.has(oid);
  }

  /**
   * Whether everything that these refs reach is known to be there. The cost depends on the differences to the last
   * refs added.
   */
  covers(refs: Refs): boolean {
    return this.others(refs).next().done === true;
  }

  /** The values of those refs whose objects are not known to be complete. */
  *others(refs: Refs): Generator<string, undefined> {
    for (const oid of differing(refs, this.last)) if (!this.oids.has(oid)) yield oid;
    return undefined;
  }
}

/** The values of refs that are new or changed. */
function* differing(refs: Refs, before: Refs): Generator<string, undefined> {
  for (const name of differingRefs(refs, before)) {
    const oid = refs.get(name);
    if (oid !== undefined) yield oid;
  }
  return undefined;
}
