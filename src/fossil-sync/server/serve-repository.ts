import type { Digest } from '../../lib/digest.ts';
import { isCairnError } from '../../lib/errors.ts';
import { SettingsChangedError } from '../../repository/fossil/add-artifacts.ts';
import type { Bag } from '../../repository/fossil/bag.ts';
import type { PublishedFossilState } from '../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import { prepareArtifacts } from '../../repository/fossil/intake.ts';
import type { IntakeLimits } from '../../repository/fossil/intake-limits.ts';
import { publishArtifacts } from '../../repository/fossil/publish-artifacts.ts';
import type { Arrival, ServedRepository } from './served-repository.ts';

/** How old a state may be that a request meets in memory, in milliseconds: longer than it takes to write the comment of a check-in. */
export const RECALLED_MS = 600_000;

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
    isCurrent: async () => true,
    pinned: (digest) => pinnedBag(repository, bag, digest),
    take: async ({ cause, actor, onUnsettled, ...received }: Arrival) => {
      await using prepared = await prepareArtifacts(bag, received, limits);
      const by = { kind: cause, actor: actor ?? null, evidence: null };
      return (await publishArtifacts(repository, prepared, by, { onUnsettled })).bag;
    },
    changeLocks: (login, steps, isOver) => repository.locks.change(repository.id, login, steps, isOver),
    toString: () => String(repository),
  };
}

/**
 * The same over a state that this process remembers. Artifacts are published over whatever is there, as always, but only under
 * unchanged settings.
 * @param recalled from `Repository.recall`
 */
export async function serveRecalled(
  repository: FossilRepository,
  recalled: PublishedFossilState,
  limits: Partial<IntakeLimits> = {},
): Promise<ServedRepository> {
  const bag = await repository.bagOf(recalled);
  let isProven = false;
  return {
    ...serveRepository(repository, bag, limits),
    take: async ({ cause, actor, onUnsettled, ...received }) => {
      const by = { kind: cause, actor: actor ?? null, evidence: null };
      try {
        await using prepared = await prepareArtifacts(bag, received, limits);
        const options = { admitted: recalled.manifest, onUnsettled };
        const { bag: now, committed } = await publishArtifacts(repository, prepared, by, options);
        // A swap that won was over the current state, with these settings.
        if (committed?.isLatest === true) isProven = true;
        return now;
      } catch (error) {
        // A reply that says so says nothing about the state.
        isProven ||= isUnavailable(error) && !(error instanceof SettingsChangedError);
        throw error;
      }
    },
    isCurrent: async () => isProven || (await isStillPublished(repository, recalled)),
  };
}

function isUnavailable(error: unknown): boolean {
  return isCairnError(error, 'unavailable') || isCairnError(error, 'busy');
}

/** Looks at the store. @returns false if that fails, too: the next look says why */
async function isStillPublished(
  repository: FossilRepository,
  { digest }: PublishedFossilState,
): Promise<boolean> {
  try {
    return (await repository.resolveOwnKind())?.digest === digest;
  } catch {
    return false;
  }
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
