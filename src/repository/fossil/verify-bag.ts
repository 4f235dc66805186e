import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { inflatePayload } from '../../fossil/compression.ts';
import { isCairnError, messageOf } from '../../lib/errors.ts';
import type { Bag } from './bag.ts';
import { isVisible, status } from './bag-state.ts';
import { NONE } from './bag-table.ts';
import { ContentCache } from './content-cache.ts';
import { expand } from './expand.ts';

/** Memory for contents that are sources of others. */
const CONTENTS = { bytes: 64 << 20, entries: 100_000 };

/** Something wrong with a bag. */
export interface BagProblem {
  /** The artifact, or the content of an unversioned file; undefined if it is about the whole. */
  readonly name: ArtifactName | undefined;
  readonly problem: string;
}

/**
 * Checks a bag as a whole: every artifact that is held is made from its stored form again and compared with its name, every
 * content of an unversioned file, too; deltas that wait can be read, and what is counted agrees.
 * @param signal ends it; its reason is thrown
 * @throws CairnError `unavailable` if the store does not answer, `busy` if there is no disk space: neither says anything about the bag
 */
export async function verifyBag(bag: Bag, signal?: AbortSignal): Promise<readonly BagProblem[]> {
  const { view } = bag;
  const problems: BagProblem[] = [];
  const check = async (name: ArtifactName, work: () => Promise<string | undefined>) => {
    const problem = await work().catch((error: unknown) => {
      if (!isCairnError(error) || error.kind === 'unavailable' || error.kind === 'busy') throw error;
      return messageOf(error);
    });
    if (problem !== undefined) problems.push({ name, problem });
  };
  await using session = bag.session();
  await using maker = bag.maker();
  const contents = new ContentCache(CONTENTS);
  const context = { state: view, session, repository: bag.repository, contents, maker };
  const visible = { all: 0, public: 0 };
  for (let slot = 0; slot < view.slots; slot++) {
    signal?.throwIfAborted();
    const bits = bag.bitsOf(slot);
    if ((bits & status.held) === 0) continue;
    if (isVisible(bits)) {
      visible.all++;
      if ((bits & status.private) === 0) visible.public++;
    }
    const name = view.table.names.at(slot);
    await check(name, async () => {
      const content = await expand(context, slot);
      if (content.length !== view.table.sizeOf(slot))
        return 'its content has another size than its record says';
      const source = view.table.sourceOf(slot);
      const isDangling = source !== NONE && (bag.bitsOf(source) & status.held) === 0;
      return isDangling ? 'its source is not here' : undefined;
    });
  }
  for (const delta of view.waiting) {
    await check(view.table.names.at(delta.slot), async () => {
      inflatePayload(await session.read(delta), 0xffff_ffff);
      return undefined;
    });
  }
  for (const { name, hash } of view.unversioned.values()) {
    if (hash === undefined) continue;
    await check(hash, async () => {
      const content = await bag.unversionedContent(hash);
      const { size } = view.unversioned.get(name) ?? {};
      return content.length === size ? undefined : `the size of unversioned file ${name} is another one`;
    });
  }
  const counts: readonly (readonly [what: string, counted: number, found: number])[] = [
    ['positions', view.count, visible.all],
    ['artifacts in the manifest', bag.state.artifacts, visible.public],
    ['artifacts for everybody', view.publicCount, visible.public],
  ];
  for (const [what, counted, found] of counts) {
    if (counted !== found)
      problems.push({ name: undefined, problem: `${what}: ${counted} instead of ${found}` });
  }
  return problems;
}
