import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { nameOf } from '../../fossil/artifact-name.ts';
import { FEWEST_TO_CLUSTER, writeClusters } from '../../fossil/cluster.ts';
import { Yielder } from '../../lib/cooperative.ts';
import type { Bag, BagEntry } from '../../repository/fossil/bag.ts';
import type { ReceivedArtifact } from '../../repository/fossil/prepared-artifacts.ts';
import { faultFires } from '../faults.ts';
import { isVisible, type Round } from './round.ts';

/**
 * Announces artifacts that are in no cluster. If there are many, they are put into clusters first, so that a pull announces tens of
 * names instead of all. Any pull may cause that: clusters depend on the stored artifacts, and are made once.
 */
export async function announceUnclustered(round: Round): Promise<void> {
  if (!faultFires(round.context.faults, 'server.skip-clusters')) await makeClusters(round);
  await announce(round, round.bag.unclustered(), faultFires(round.context.faults, 'server.halve-igots'));
}

/**
 * Announces everything, for a first pull in the old way and for `--verily`. The newest come first, as in stock Fossil: a reply may
 * have no room for all, and a client asks only once; what is old is named by clusters.
 */
export function announceAll(round: Round): Promise<void> {
  return announce(round, entriesOf(round));
}

/** Announces all clusters: the client says that it may have missed some. */
export function announceClusters(round: Round): Promise<void> {
  return announce(round, round.bag.clusters());
}

/** Announces private artifacts to users who may see them and asked for them. */
export function announcePrivate(round: Round): Promise<void> {
  return announce(round, privateEntriesOf(round));
}

async function announce(round: Round, entries: Iterable<BagEntry>, half = false): Promise<void> {
  const { request, reply, grants, context } = round;
  const brought = new Set(request.files.map(({ name }) => name));
  const yielder = new Yielder();
  let seen = 0;
  for (const entry of entries) {
    if (yielder.isDueByNow) await yielder.next();
    context.signal?.throwIfAborted();
    seen++;
    if (half && seen % 2 === 0) continue;
    if (!isVisible(round.bag, entry, grants.withPrivate)) continue;
    // The client has the artifacts that it sent or announced.
    if (brought.has(entry.name) || request.known.has(entry.name)) continue;
    if (!reply.announce(entry.name, entry.isPrivate)) return;
  }
}

function* entriesOf({ bag }: Round): Generator<BagEntry> {
  for (let ordinal = bag.count - 1; ordinal >= 0; ordinal--) {
    const entry = bag.at(ordinal);
    if (!entry.isPrivate) yield entry;
  }
}

function* privateEntriesOf({ bag }: Round): Generator<BagEntry> {
  for (let ordinal = 0; ordinal < bag.count; ordinal++) {
    const entry = bag.at(ordinal);
    if (entry.isPrivate) yield entry;
  }
}

/** Puts artifacts into clusters until few are in none. A pull is answered without clusters if they cannot be published. */
async function makeClusters(round: Round): Promise<void> {
  const { context, request } = round;
  // A client that is still sending would leave many small clusters behind.
  if (request.files.length > 0) return;
  try {
    while (round.bag.unclusteredCount >= FEWEST_TO_CLUSTER && context.signal?.aborted !== true) {
      const before = round.bag.unclusteredCount;
      round.bag = await addClusters(round);
      // Others publish as well: then the next pull goes on.
      if (round.bag.unclusteredCount >= before) return;
    }
  } catch (error) {
    context.observer.error(error);
  }
}

/** Puts the first unclustered artifacts into clusters, as many as one publish takes. @returns what is published then */
function addClusters({ bag, repository, context }: Round): Promise<Bag> {
  const names: ArtifactName[] = [];
  for (const { name } of bag.unclustered()) {
    if (names.length === context.limits.clustered) break;
    names.push(name);
  }
  const algorithm = bag.state.hashPolicy === 'sha1' ? 'sha1' : 'sha3-256';
  const artifacts = writeClusters(names).map(
    (payload): ReceivedArtifact => ({
      name: nameOf(payload, algorithm),
      payload,
      form: 'plain',
      isPrivate: false,
    }),
  );
  const onUnsettled = (error: unknown) => context.observer.error(error);
  return repository.take({ artifacts, cause: 'sync', actor: undefined, onUnsettled });
}
