import { differingRefs } from '../../git/index.ts';
import { inBatches } from '../../lib/cooperative.ts';

type Refs = ReadonlyMap<string, string>;

/** Refs below which a fold has seen that nothing is missing. Others are asked about by how they differ from these. */
export class CheckedRefs {
  private last: Refs = new Map();
  private readonly oids = new Set<string>();

  /** Takes note of all these refs, with turns for others in between. */
  async add(refs: Refs): Promise<void> {
    const fresh = this.last.size === 0 ? refs.values() : differing(refs, this.last);
    for await (const piece of inBatches(fresh)) for (const oid of piece) this.oids.add(oid);
    this.last = refs;
  }

  /** True when nothing is missing below an object. */
  has(oid: string): boolean {
    return this.oids.has(oid);
  }

  /** True when nothing is missing below any of these refs. Costs what they differ in from those added last. */
  covers(refs: Refs): boolean {
    return this.others(refs).next().done === true;
  }

  /** The values of these refs of which it is not known that nothing is missing below. */
  *others(refs: Refs): Generator<string, undefined> {
    for (const oid of differing(refs, this.last)) if (!this.oids.has(oid)) yield oid;
    return undefined;
  }
}

/** The values of refs that are new or other than they were. */
function* differing(refs: Refs, before: Refs): Generator<string, undefined> {
  for (const name of differingRefs(refs, before)) {
    const oid = refs.get(name);
    if (oid !== undefined) yield oid;
  }
  return undefined;
}
