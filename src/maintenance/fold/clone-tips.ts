import { createHash } from 'node:crypto';
import { isCloned, SortedWants } from '../../git/index.ts';
import { inBatches } from '../../lib/cooperative.ts';
import type { Digest } from '../../lib/digest.ts';

/** Of up to 256 parts of a text, so many are sorted in one turn. */
const PARTS = 4;

/**
 * What a pack that answers a clone is marked with, `PackEntry.tips`; undefined when there is nothing to clone. Others get
 * their turns while it is worked out.
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
