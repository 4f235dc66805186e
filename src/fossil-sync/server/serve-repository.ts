import type { Digest } from '../../lib/digest.ts';
import { isCairnError } from '../../lib/errors.ts';
import type { Bag } from '../../repository/fossil/bag.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import { prepareArtifacts } from '../../repository/fossil/intake.ts';
import type { IntakeLimits } from '../../repository/fossil/intake-limits.ts';
import { publishArtifacts } from '../../repository/fossil/publish-artifacts.ts';
import type { Arrival, ServedRepository } from './served-repository.ts';

/**
 * A repository in the store, as one request meets it.
 * @param bag the published artifacts
 */
export function serveRepository(
  repository: FossilRepository,
  bag: Bag,
  limits: Partial<IntakeLimits> = {},
): ServedRepository {
  return {
    bag,
    pinned: (digest) => pinnedBag(repository, bag, digest),
    take: async ({ cause, actor, ...received }: Arrival) => {
      const prepared = await prepareArtifacts(bag, received, limits);
      const by = { kind: cause, actor: actor ?? null, evidence: null };
      return (await publishArtifacts(repository, prepared, by)).bag;
    },
    changeLocks: (login, steps, isOver) => repository.locks.change(repository.id, login, steps, isOver),
    toString: () => String(repository),
  };
}

/** An earlier state of the same incarnation, unless its manifest or its packs have been collected. */
async function pinnedBag(repository: FossilRepository, now: Bag, digest: Digest): Promise<Bag | undefined> {
  try {
    const manifest = await repository.manifest(digest);
    if (manifest.incarnation !== now.state.incarnation) return undefined;
    return await repository.bagOf({ digest, manifest });
  } catch (error) {
    // A state that is gone looks damaged: the manifest, or a pack that it names, is not there.
    if (isCairnError(error, 'corrupt') || isCairnError(error, 'not-found')) return undefined;
    throw error;
  }
}
