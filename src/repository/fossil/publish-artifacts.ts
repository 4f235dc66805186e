import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import { CairnError } from '../../lib/errors.ts';
import type { Committed } from '../committed.ts';
import { firstCopy } from '../keys.ts';
import type { ArtifactRef } from '../manifest.ts';
import { AddArtifacts, type AddOptions, type FossilActor } from './add-artifacts.ts';
import type { Bag } from './bag.ts';
import { bitsOf, status } from './bag-state.ts';
import type { FossilManifest, FossilPack } from './fossil-manifest.ts';
import type { FossilRepository } from './fossil-repository.ts';
import { prepareArtifacts } from './intake.ts';
import type { IntakeLimits } from './intake-limits.ts';
import type { BuiltPack } from './pack-builder.ts';
import type { PreparedArtifacts } from './prepared-artifacts.ts';

/** How often artifacts are prepared again because what they are deltas of has left. */
const TRIES = 4;

/** How often deltas that have waited are verified one after another: those of two servers may wait for each other's. */
const SETTLES = 4;

export interface PublishArtifactsOptions extends AddOptions {
  /**
   * Called if everything given was published, but not the deltas that waited for it: the next intake verifies them again. Absent: that
   * failure is thrown.
   */
  readonly onUnsettled?: (error: unknown) => void;
}

/** What a publish of artifacts made. */
export interface PublishedArtifacts {
  /** What is published now. */
  readonly bag: Bag;
  /** Artifacts that became visible by it. */
  readonly added: readonly ArtifactName[];
  /** Unversioned files that it changed. */
  readonly unversioned: number;
  /** Undefined if nothing was new, so that nothing was published. */
  readonly committed: Committed<FossilManifest> | undefined;
}

/**
 * Stores what was prepared and publishes it: one pack, one manifest, one swap. If another server published first, both are there
 * afterwards. Deltas whose source the other one brought are verified and published, too.
 * @param options for everything that is published
 * @throws SettingsChangedError; CairnError `not-found` if the repository was withdrawn; `unavailable`, `busy` and `UnknownOutcomeError` as a push of git
 */
export async function publishArtifacts(
  repository: FossilRepository,
  prepared: PreparedArtifacts,
  actor: FossilActor,
  options: PublishArtifactsOptions = {},
): Promise<PublishedArtifacts> {
  let published = await publishOnce(repository, prepared, actor, options);
  try {
    for (let settles = 0; settles < SETTLES && canSettle(published.bag); settles++) {
      const settled = await settleWaiting(repository, published.bag, prepared.limits, options);
      if (settled.committed === undefined && settled.bag.digest === published.bag.digest) break;
      const added = [...published.added, ...settled.added];
      const { unversioned } = published;
      published = { ...settled, added, unversioned, committed: settled.committed ?? published.committed };
    }
  } catch (error) {
    if (options.onUnsettled === undefined) throw error;
    options.onUnsettled(error);
  }
  return published;
}

/** Whether a delta waits whose source is here: two servers have published one and the other at the same time. */
export function canSettle({ view }: Bag): boolean {
  return view.waiting.some(({ source }) => (bitsOf(view, source) & status.held) !== 0);
}

/** Verifies and publishes deltas that wait although their source is here. */
async function settleWaiting(
  repository: FossilRepository,
  bag: Bag,
  limits: IntakeLimits,
  options: AddOptions,
): Promise<PublishedArtifacts> {
  await using prepared = await prepareArtifacts(bag, [], limits);
  return await publishOnce(repository, prepared, { kind: 'sync', actor: null, evidence: null }, options);
}

async function publishOnce(
  repository: FossilRepository,
  given: PreparedArtifacts,
  actor: FossilActor,
  options: AddOptions = {},
): Promise<PublishedArtifacts> {
  let { bag } = given;
  for (let tries = 0; tries < TRIES; tries++) {
    // The caller disposes of what it gave.
    await using again = tries === 0 ? undefined : await prepareArtifacts(bag, given.received, given.limits);
    const prepared = again ?? given;
    const { pack } = prepared;
    if (pack === undefined) return { bag, added: [], unversioned: 0, committed: undefined };
    const { result, committed } = await publishPack(repository, prepared, pack, actor, options);
    const now = await currentBag(repository, committed);
    if (result.outcome === 'added') {
      const { artifacts: added, unversioned } = result;
      return {
        bag: now,
        added,
        unversioned,
        committed: committed.digest === undefined ? undefined : committed,
      };
    }
    bag = now;
  }
  throw new CairnError('busy', 'the repository is being changed, try again');
}

async function publishPack(
  repository: FossilRepository,
  prepared: PreparedArtifacts,
  pack: BuiltPack,
  actor: FossilActor,
  options: AddOptions,
) {
  const { id, artifacts, publisher, bags } = repository;
  const { generation } = prepared.bag.state;
  const since = repository.mark();
  const change = (ref: ArtifactRef) =>
    new AddArtifacts(repository, prepared, entryOf(pack, ref, actor), actor, since, options);
  const n = firstCopy(generation);
  const expected = { digest: pack.digest, size: pack.size, ...(n === 0 ? {} : { n }) };
  const drafted = change(expected);
  // What the next evaluation reads is at hand.
  const { reader } = bags.context;
  reader.remember(entryOf(pack, expected, actor), pack.body);
  const [stored] = await allSettledOrThrow([
    artifacts.put(id, 'bag', pack.digest, pack.body, { generation }),
    publisher.prepare(drafted),
  ]);
  await reader.adopt(entryOf(pack, stored, actor), pack.body);
  return publisher.join(stored.n === expected.n ? drafted : change(stored));
}

function entryOf({ records, index }: BuiltPack, pack: ArtifactRef, { kind }: FossilActor): FossilPack {
  return { kind, records, pack, index };
}

async function currentBag(repository: FossilRepository, committed: Committed<FossilManifest>): Promise<Bag> {
  const { manifest, digest } = committed;
  if (manifest !== undefined && digest !== undefined) return repository.bagOf({ digest, manifest });
  const published = (await repository.known()) ?? (await repository.resolve());
  if (published === undefined) throw new CairnError('not-found', 'there is no such repository');
  return repository.bagOf(published);
}
