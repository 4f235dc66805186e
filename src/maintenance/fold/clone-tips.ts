import { createHash } from 'node:crypto';
import { isCloned, SortedWants } from '../../git/index.ts';
import { inBatches } from '../../lib/cooperative.ts';
import type { Digest } from '../../lib/digest.ts';

/** The wants are sorted in up to 256 parts; this many parts are sorted before yielding. */
const PARTS = 4;

/**
 * The digest in `PackEntry.tips` of a pack that answers a clone; undefined when there is nothing to clone. Yields to
 * other work.
 */
export async function cloneTips(refs: ReadonlyMap<string, string>): Promise<Digest | undefined> {
  const wants = new SortedWants();
  for await (const piece of inBatches(refs)) {
    for (const [name, oid] of piece) if (isCloned(name)) wants.add(oid);
  }
  if (wants.isEmpty) return undefined;
  const hash = createHash('sha256');
  for await (const piece of inBatches(wants.text(), PARTS)) for (const part of piece) hash.update(part);
  return hash.digest('hex');
}
