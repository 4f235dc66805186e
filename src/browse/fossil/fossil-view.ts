import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Bytes } from '../../lib/file-bytes.ts';
import type { Bag, BagEntry } from '../../repository/fossil/bag.ts';
import { BagReading } from '../../repository/fossil/bag-reading.ts';
import { LARGE_CONTENT } from '../../repository/fossil/content-maker.ts';
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
  checkSize(view, name, limit);
  const content = await view.bag.content(name);
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

/** A content that is being read: from memory, or from a file that is open until it is disposed of. */
export interface OpenedArtifact extends AsyncDisposable {
  readonly content: Bytes;
}

/**
 * As {@link readArtifact}, without having a large content in memory.
 * @throws as {@link readArtifact}; CairnError `busy` if there is no disk space for a large content
 */
export async function openArtifact(
  view: FossilView,
  name: ArtifactName,
  limit: number,
): Promise<OpenedArtifact> {
  if (findArtifact(view, name).size <= LARGE_CONTENT) {
    const content = await readArtifact(view, name, limit);
    return { content, [Symbol.asyncDispose]: async () => undefined };
  }
  checkSize(view, name, limit);
  const reading = new BagReading(view.bag);
  try {
    const content = await reading.content(name);
    return { content, [Symbol.asyncDispose]: () => reading[Symbol.asyncDispose]() };
  } catch (error) {
    await reading[Symbol.asyncDispose]();
    throw error;
  }
}

function checkSize(view: FossilView, name: ArtifactName, limit: number): void {
  const { size } = findArtifact(view, name);
  if (size > limit)
    throw new CairnError('too-large', `this artifact has ${size} bytes, more than a page reads`);
  view.signal.throwIfAborted();
}
