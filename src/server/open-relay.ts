/**
 * Composes the part of the server that knows about owners: the events, the rights that follow from them, the changes
 * they cause, and the receipts of these changes. Repositories are composed elsewhere.
 */

import type { Settings } from '../config/settings.ts';
import type { Git } from '../git-process/git.ts';
import { RelaySockets } from '../http/relay-socket.ts';
import type { Clock } from '../lib/clock.ts';
import type { ClosingStack } from '../lib/closing-stack.ts';
import { CairnError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { parsePublicKey } from '../nostr/public-key.ts';
import { relayUrl } from '../nostr/repository-url.ts';
import type { Secp256k1 } from '../nostr/secp256k1.ts';
import type { Verifier } from '../nostr/verify.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Admission } from '../relay/admission.ts';
import { Announcements } from '../relay/announcements/announce.ts';
import { AnnouncedKinds } from '../relay/announcements/announced-kind.ts';
import { Directory } from '../relay/announcements/directory.ts';
import { fossilAnnounced } from '../relay/announcements/fossil-announced.ts';
import { gitAnnounced } from '../relay/announcements/git-announced.ts';
import { MaintainerClosures } from '../relay/announcements/maintainer-closures.ts';
import { RepositoryUpkeep } from '../relay/announcements/repository-upkeep.ts';
import { Withdrawals } from '../relay/announcements/withdraw.ts';
import { type RelayInformation, relayInformation } from '../relay/client/information.ts';
import { defaultRelayLimits } from '../relay/client/relay-limits.ts';
import { Discussions } from '../relay/discussions/discussions.ts';
import { EventQuota } from '../relay/log/event-quota.ts';
import { EventStore } from '../relay/log/event-store.ts';
import { SignedEvents } from '../relay/log/signed-events.ts';
import { PullRequestUpkeep } from '../relay/pull-requests/pull-request-upkeep.ts';
import { PullRequests } from '../relay/pull-requests/pull-requests.ts';
import { Relay } from '../relay/relay.ts';
import { claimService, ServiceIdentity } from '../relay/service-identity.ts';
import { FossilReceiptContent } from '../relay/states/fossil-receipt-content.ts';
import { GitReceiptContent } from '../relay/states/git-receipt-content.ts';
import { HeldStates } from '../relay/states/held-states.ts';
import { Receipts } from '../relay/states/receipts.ts';
import { RefHistory } from '../relay/states/ref-history.ts';
import { SignedStateUpkeep } from '../relay/states/signed-state-upkeep.ts';
import { SignedStates } from '../relay/states/signed-states.ts';
import { Trust } from '../relay/trust.ts';
import { Upkeep, type UpkeepTask } from '../relay/upkeep.ts';
import type { ArtifactStore } from '../repository/artifact-store.ts';
import type { ArtifactCache } from '../repository/cache/artifact-cache.ts';
import type { FossilManifest } from '../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../repository/fossil/fossil-repository.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import type { RepositoryState } from '../repository/manifest.ts';
import { OwnerRecords } from '../repository/records/owner-record.ts';
import type { Repositories } from '../repository/repositories.ts';
import { recencyMs, settledMs } from '../repository/repository.ts';
import { formatRepositoryId, type RepositoryId, repositoryId } from '../repository/repository-id.ts';
import { observePublication } from './metrics-adapters.ts';
import type { PublishSubscriber } from './publish-subscribers.ts';
import { VERSION } from './version.ts';

/** A large push of Fossil comes in many rounds, each of which is published. */
const FOSSIL_RECEIPTS_GATHERED_MS = 300;

export interface RelayParts {
  readonly settings: Settings;
  /** The secret key of the service. */
  readonly serviceKey: string;
  /** The public base URL, without a trailing slash. */
  readonly base: string;
  readonly stores: ObjectStorePair;
  readonly repositories: Repositories;
  readonly fossil: Repositories<FossilRepository>;
  readonly artifacts: ArtifactStore;
  readonly cache: ArtifactCache;
  readonly git: Git;
  readonly secp256k1: Secp256k1;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Folder for files that may be lost when the process ends. */
  readonly scratch: string;
  /** More work for the upkeep of a server. */
  readonly upkeep: readonly UpkeepTask[];
  /** False: {@link OpenedRelay.start} starts nothing. */
  readonly background: boolean;
}

/** The parts of the relay that the rest of the server uses. */
export interface OpenedRelay {
  readonly events: EventStore;
  readonly directory: Directory;
  readonly service: ServiceIdentity;
  readonly heldStates: HeldStates;
  /**
   * Whether a state that was public when it was read, however long ago, belongs to a repository that is still public,
   * as far as this server knows.
   */
  readonly staysPublic: (id: RepositoryId, state: RepositoryState) => boolean;
  /** Reports a publish to the world and to related repositories. */
  readonly published: PublishSubscriber<GitManifest>;
  /** The same for a Fossil repository. */
  readonly fossilPublished: PublishSubscriber<FossilManifest>;
  readonly sockets: RelaySockets;
  readonly information: RelayInformation;
  /** What is said about repositories, for pages. */
  readonly discussions: Discussions;
  /** Who moved the refs of repositories, for pages. */
  readonly refHistory: RefHistory;
  /** Starts to follow other servers, and to finish what they or earlier runs left unfinished. */
  start(): void;
}

/** Largest message that is read at all. The relay itself refuses messages above its own limit. */
const MESSAGE_BYTES_READ = 4 * 1024 * 1024;
const HEARTBEAT_MS = 30_000;
/** Each server may accept some events before it sees those of the others. */
const OTHERS_SHARE = 1.25;
const UPKEEP_INTERVAL_MS = 60_000;

/**
 * Claims the bucket for this service, reads the event log, and composes what accepts and answers events.
 * @param stack closes it
 * @throws CairnError `conflict` when the bucket belongs to another service; `unavailable` when the store does not
 * answer
 */
export async function openRelay(parts: RelayParts, stack: ClosingStack): Promise<OpenedRelay> {
  const operator = operatorFacts(parts.settings);
  const { settings, base, stores, repositories, git, verifier, clock, random, log, metrics } = parts;
  const { control } = stores;
  const service = new ServiceIdentity(parts.serviceKey, parts.secp256k1);
  await claimService({ control, clock, random }, service.publicKey);

  const events = await EventStore.open({
    ...stores,
    clock,
    random,
    log,
    folder: parts.scratch,
    maxIndexBytes: defaultRelayLimits.stored.indexBytes * OTHERS_SHARE,
  });
  stack.defer(() => events.close());
  const signedEvents = new SignedEvents(control, verifier);
  const policy = { signedEvents, rule: settings.maintainers };
  // Opened before everything that shows events, so that it hears of a change first.
  const trust = new Trust({ events, rule: settings.maintainers });
  const receiptKey = (owner: string, identifier: string) =>
    service.signerOf(repositoryId(owner, identifier)).publicKey;
  const announced = new AnnouncedKinds(gitAnnounced(repositories), fossilAnnounced(parts.fossil));
  const directory = new Directory({ events, repositories: announced, trust, receiptKey, base, log });
  const maintainerClosures = new MaintainerClosures({
    ...policy,
    events,
    directory,
    trust,
    repositories: announced,
    clock,
    random,
    log,
  });
  const owners = new OwnerRecords({ control, clock, random });
  const heldStates = new HeldStates({ control, clock, random, events, signedEvents, verifier, trust, log });
  const announcements = new Announcements({
    ...policy,
    events,
    repositories: announced,
    closures: maintainerClosures,
    owners,
    base,
    maxRepositoriesPerOwner: settings.maxRepositories,
    clock,
    settled: settledMs,
    random,
    log,
  });
  const withdrawals = new Withdrawals({
    ...policy,
    events,
    repositories: announced,
    closures: maintainerClosures,
    directory,
    trust,
    owners,
    clock,
    settled: settledMs,
    heldStates,
  });
  const isPublic = (event: NostrEvent) => directory.visible(event, new Set());
  const signedStates = new SignedStates({
    events,
    repositories,
    heldStates,
    signedEvents,
    service,
    git,
    trust,
    isPublic,
    clock,
    artifacts: parts.artifacts,
    cache: parts.cache,
  });
  const signedStateUpkeep = new SignedStateUpkeep({
    heldIn: (id) => heldStates.heldIn(id),
    signedEvents,
    apply: (event) => signedStates.take(event, 'this service'),
  });
  const pullRequestRefs = new PullRequestUpkeep({ events, repositories, clock });
  const pullRequests = new PullRequests({
    events,
    repositories,
    // For a pull request about both a public and a private repository, the answer must not depend on whether the
    // private one has its tip.
    mentions: (event) => {
      const all = directory.mentions(event);
      const open = all.filter(({ private: secret }) => !secret);
      return open.length > 0 ? open : all;
    },
    verifier,
    git,
    clock,
    log,
    waits: settings.anonymousPushes !== undefined,
  });
  const noteOfPullRequests = (id: RepositoryId, manifest: GitManifest) => {
    pullRequestRefs.note(id, manifest);
    pullRequests.note(id, manifest);
  };
  const receiptParts = { events, signedEvents, service, clock, random, isPublic, log };
  const receipts = new Receipts({
    ...receiptParts,
    content: new GitReceiptContent(),
    repositories,
    onTip: noteOfPullRequests,
  });
  const fossilReceipts = new Receipts({
    ...receiptParts,
    content: new FossilReceiptContent(),
    repositories: parts.fossil,
    gather: FOSSIL_RECEIPTS_GATHERED_MS,
    onTip: () => undefined,
  });
  const quota = new EventQuota({
    ledger: events.ledger,
    events,
    mentions: (event) => directory.mentions(event),
    hasRepository: (key) => directory.hasRepository(key),
    quotas: defaultRelayLimits.stored,
  });
  const admission = new Admission({
    events,
    belonging: directory,
    announce: (event, sender) => announcements.announce(event, sender),
    signedState: (event, sender) => signedStates.take(event, sender),
    withdraw: (event, sender) => withdrawals.withdraw(event, sender),
    pullRequest: (event, address) => pullRequests.take(event, address),
    noRoom: (event) => quota.refusal(event),
    readOnly: settings.access === 'read-only',
    clock,
    log,
  });
  const relay = new Relay({
    events,
    publication: observePublication(admission, metrics),
    verifier,
    visible: (event, reader) => directory.visible(event, reader),
    hidings: () => directory.hidings,
    relayUrl: relayUrl(base),
    limits: defaultRelayLimits,
    clock,
    random,
    log,
  });
  const sockets = new RelaySockets({
    relay,
    log,
    maxPayload: MESSAGE_BYTES_READ,
    heartbeat: HEARTBEAT_MS,
    trustedProxies: settings.trustedProxies,
    onConnections: (count) => metrics.relayConnections.set(count),
  });
  const upkeep = new Upkeep({
    tasks: [
      new RepositoryUpkeep({
        stores,
        clock,
        random,
        events,
        repositories: announced,
        directory,
        owners,
        removalGrace: settings.removalGrace,
        log,
      }),
      { name: 'policies', run: (signal) => maintainerClosures.sweep(signal) },
      pullRequestRefs,
      pullRequests,
      signedStateUpkeep,
      { name: 'receipts', run: (signal) => receipts.sweep(signal) },
      { name: 'fossil receipts', run: (signal) => fossilReceipts.sweep(signal) },
      ...parts.upkeep,
    ],
    interval: UPKEEP_INTERVAL_MS,
    clock,
    random,
    log,
  });
  const following = new Set<Promise<void>>();
  stack.defer(async () => {
    await upkeep.close();
    await maintainerClosures.close();
    await Promise.all(following);
    await pullRequests.idle();
    await receipts.close();
    await fossilReceipts.close();
  });
  return {
    events,
    discussions: new Discussions({
      events,
      trust,
      visible: (event, reader) => directory.visible(event, reader),
      mentions: (event) => directory.mentions(event),
      clock,
    }),
    refHistory: new RefHistory({ content: new GitReceiptContent(), signedEvents, service, clock }),
    directory,
    service,
    heldStates,
    staysPublic: ({ owner, identifier }, { policy }) => {
      if (!events.isCurrent(recencyMs)) return false;
      const facts = directory.facts(owner, identifier);
      // A withdrawn repository has no current announcement; a repository that was never announced cannot be
      // withdrawn.
      return facts === undefined ? policy.announcements.length === 0 : !facts.private;
    },
    published: (id, manifest) => {
      receipts.settle(id, manifest);
      noteOfPullRequests(id, manifest);
      signedStateUpkeep.note(id, manifest);
      const applying = signedStates.applyElsewhere(id, manifest).catch((error: unknown) => {
        log.warn(
          { err: error, repository: formatRepositoryId(id) },
          'a signed state was not applied to other repositories',
        );
      });
      following.add(applying);
      void applying.finally(() => following.delete(applying));
    },
    fossilPublished: (id, manifest) => fossilReceipts.settle(id, manifest),
    sockets,
    information: relayInformation({
      base,
      self: service.publicKey,
      version: VERSION,
      limits: defaultRelayLimits,
      name: settings.serviceName,
      description: settings.serviceDescription,
      ...operator,
      maxRepositoriesPerOwner: settings.maxRepositories,
      readOnly: settings.access === 'read-only',
    }),
    start: () => {
      if (!parts.background) return;
      events.start();
      upkeep.start();
    },
  };
}

/** The facts about the operator. @throws CairnError `invalid` for a mistyped key */
function operatorFacts({ serviceContact: contact, serviceIcon: icon, operator }: Settings) {
  const pubkey = operator === undefined ? undefined : parsePublicKey(operator);
  if (operator !== undefined && pubkey === undefined) {
    throw new CairnError(
      'invalid',
      `--operator is ${JSON.stringify(operator)}: its checksum is wrong, so it is mistyped`,
    );
  }
  return {
    ...(contact === undefined ? {} : { contact }),
    ...(icon === undefined ? {} : { icon }),
    ...(pubkey === undefined ? {} : { operator: pubkey }),
  };
}
