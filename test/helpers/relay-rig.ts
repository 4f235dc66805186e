import type { NostrEvent, Tag, VerifiedEvent } from '../../src/nostr/event.ts';
import { kinds } from '../../src/nostr/kinds.ts';
import type { MaintainerRule } from '../../src/nostr/maintainers.ts';
import { gitUrl, graspUrl, relayUrl } from '../../src/nostr/repository-url.ts';
import { loadVerifier } from '../../src/nostr/verify.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { StateStamp } from '../../src/policy/state-precedence.ts';
import { Announcements } from '../../src/relay/announcements/announce.ts';
import { AnnouncedKinds } from '../../src/relay/announcements/announced-kind.ts';
import { Directory } from '../../src/relay/announcements/directory.ts';
import { gitAnnounced } from '../../src/relay/announcements/git-announced.ts';
import { MaintainerClosures } from '../../src/relay/announcements/maintainer-closures.ts';
import { RepositoryUpkeep } from '../../src/relay/announcements/repository-upkeep.ts';
import { Withdrawals } from '../../src/relay/announcements/withdraw.ts';
import { SignedEvents } from '../../src/relay/log/signed-events.ts';
import type { Authenticated } from '../../src/relay/publication.ts';
import { ServiceIdentity } from '../../src/relay/service-identity.ts';
import { Trust } from '../../src/relay/trust.ts';
import type { GitManifest } from '../../src/repository/git/git-manifest.ts';
import { OwnerRecords } from '../../src/repository/records/owner-record.ts';
import { formatRepositoryId, type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import { type Author, author } from '../unit/nostr/authors.ts';
import { EventsInMemory } from './events-in-memory.ts';
import { RepositoryRig } from './repository-rig.ts';

export const BASE = 'https://git.example.org';
export const verifier = await loadVerifier();

export interface RelayRigOptions {
  readonly rule?: MaintainerRule;
  readonly maxRepositoriesPerOwner?: number;
  readonly seed?: number;
  /** Milliseconds until no server shows any more what was hidden; 0 when not given. */
  readonly settled?: number;
}

/** One server's announcements and what follows from them, over a store with faults, without a relay or git. */
export class RelayRig {
  readonly repositories: RepositoryRig;
  readonly events = new EventsInMemory();
  readonly service = new ServiceIdentity(author(99).secretKey);
  readonly trust: Trust;
  readonly directory: Directory;
  readonly closures: MaintainerClosures;
  readonly owners: OwnerRecords;
  readonly announcements: Announcements;
  readonly withdrawals: Withdrawals;
  readonly upkeep: RepositoryUpkeep;
  /** Signed states that wait, by repository. */
  readonly waiting = new Map<string, StateStamp[]>();
  private readonly options: RelayRigOptions;

  constructor(options: RelayRigOptions = {}, over?: RepositoryRig) {
    this.options = options;
    const { seed = 1 } = options;
    this.repositories = new RepositoryRig({ seed, ...(over === undefined ? {} : { store: over.store }) });
    const { store: control, clock, random } = this.repositories;
    const repositories = new AnnouncedKinds(gitAnnounced(this.repositories.repositories));
    const log = createLogger('silent');
    const signedEvents = new SignedEvents(control, verifier);
    const { rule = 'recursive', maxRepositoriesPerOwner = 1_000, settled = 0 } = options;
    const { events } = this;
    this.trust = new Trust({ events, rule });
    const { trust } = this;
    const receiptKey = (owner: string, identifier: string) =>
      this.service.signerOf(repositoryId(owner, identifier)).publicKey;
    this.directory = new Directory({ events, repositories, trust, receiptKey, base: BASE, log });
    const { directory } = this;
    this.closures = new MaintainerClosures({
      events,
      signedEvents,
      rule,
      directory,
      trust,
      repositories,
      clock,
      random,
      log,
    });
    this.owners = new OwnerRecords({ control, clock, random });
    const { closures, owners } = this;
    const shared = { events, signedEvents, rule, repositories, closures, owners, log };
    this.announcements = new Announcements({
      ...shared,
      base: BASE,
      maxRepositoriesPerOwner,
      clock,
      settled,
      random,
    });
    this.withdrawals = new Withdrawals({
      ...shared,
      directory,
      trust,
      clock,
      settled,
      heldStates: {
        heldIn: async (id) => this.waiting.get(formatRepositoryId(id)) ?? [],
        remove: async (id, ids) => {
          const signedStates = this.waiting.get(formatRepositoryId(id)) ?? [];
          this.waiting.set(
            formatRepositoryId(id),
            signedStates.filter((signedState) => !ids.has(signedState.id)),
          );
        },
      },
    });
    this.upkeep = new RepositoryUpkeep({
      stores: { control, bulk: control },
      events,
      repositories,
      directory,
      owners,
      clock,
      random,
      removalGrace: 7 * 86_400_000,
      log,
    });
  }

  get store() {
    return this.repositories.store;
  }

  get clock() {
    return this.repositories.clock;
  }

  /** Seconds. */
  get now(): number {
    return Math.floor(this.clock.now() / 1000);
  }

  /** @param sender keys shown on the connection: by default the author's */
  announce(event: NostrEvent, sender: Authenticated = new Set([event.pubkey])) {
    return this.announcements.announce(verified(event), sender);
  }

  withdraw(event: NostrEvent, sender: Authenticated = new Set([event.pubkey])) {
    return this.withdrawals.withdraw(verified(event), sender);
  }

  /** What is published, asked of the store. */
  async manifest(id: RepositoryId): Promise<GitManifest | undefined> {
    return (await this.repositories.repositories.get(id).resolve())?.manifest;
  }

  /** Another server over the same bucket, whose events are known to both. */
  another(seed: number): RelayRig {
    const other = new RelayRig({ ...this.options, seed }, this.repositories);
    other.events.follow(this.events);
    return other;
  }
}

export function verified(event: NostrEvent): VerifiedEvent {
  if (!verifier.verify(event)) throw new Error('the test signs badly');
  return event;
}

export interface AnnouncementParts {
  readonly identifier?: string;
  readonly at?: number;
  /** How the service is named: with a URL of its own, in GRASP's form, or not at all. */
  readonly as?: 'git' | 'grasp' | 'elsewhere';
  readonly maintainers?: readonly Author[];
  readonly tags?: readonly Tag[];
}

/** An announcement by somebody of a repository on the service of the rig. */
export function announcement(owner: Author, parts: AnnouncementParts = {}): NostrEvent {
  const { identifier = 'project', at, as = 'git', maintainers = [], tags = [] } = parts;
  const base = as === 'elsewhere' ? 'https://elsewhere.example' : BASE;
  const url = (as === 'grasp' ? graspUrl : gitUrl)(base, owner.publicKey, identifier);
  return owner.sign({
    kind: kinds.repository,
    ...(at === undefined ? {} : { at }),
    tags: [
      ['d', identifier],
      ['clone', url],
      ['relays', relayUrl(base)],
      ...(maintainers.length === 0
        ? []
        : [['maintainers', ...maintainers.map(({ publicKey }) => publicKey)]]),
      ...tags,
    ],
  });
}

/** A request to delete all that is at the address of an announcement. */
export function deletion(owner: Author, at: number, identifier = 'project'): NostrEvent {
  return owner.sign({
    kind: kinds.deletion,
    at,
    tags: [['a', `${kinds.repository}:${owner.publicKey}:${identifier}`]],
  });
}

export function idOf(owner: Author, identifier = 'project'): RepositoryId {
  return repositoryId(owner.publicKey, identifier);
}
