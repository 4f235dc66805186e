import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Bag, BagEntry } from '../../repository/fossil/bag.ts';
import type { FossilMemory } from './fossil-memory.ts';

/** A published state of a Fossil repository, as pages read it. Private and shunned artifacts are not there. */
export interface FossilView {
  readonly bag: Bag;
  readonly memory: FossilMemory;
  /** Aborted when the visitor has gone or the time for the page is over. */
  readonly signal: AbortSignal;
  /** Called if a time limit has cut the result short: later it may be complete. */
  readonly onCut?: () => void;
}

/** An artifact that everybody sees who may read the repository. @throws CairnError `not-found` */
export function findArtifact({ bag }: FossilView, name: ArtifactName): BagEntry {
  const entry = bag.find(name);
  if (entry === undefined || entry.isPrivate) throw new CairnError('not-found', 'there is no such artifact');
  return entry;
}

/**
 * The content of an artifact that everybody sees.
 * @param limit bytes
 * @throws CairnError `not-found`; `too-large`; `corrupt`; `unavailable`
 */
export async function readArtifact(view: FossilView, name: ArtifactName, limit: number): Promise<Buffer> {
  const { size } = findArtifact(view, name);
  if (size > limit)
    throw new CairnError('too-large', `this artifact has ${size} bytes, more than a page reads`);
  view.signal.throwIfAborted();
  const content = await view.bag.content(name);
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}
