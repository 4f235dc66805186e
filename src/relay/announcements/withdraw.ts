/**
 * Deletion requests (NIP-09, kind 5). A request that names the author's own announcement by address withdraws the repository.
 * The event index deletes the other events that it names.
 */
import type { Clock } from '../../lib/clock.ts';
import { concurrently } from '../../lib/concurrently.ts';
import { formatAddress, parseAddress } from '../../nostr/address.ts';
import { type Deletion, parseDeletion } from '../../nostr/deletion.ts';
import type { NostrEvent, VerifiedEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { Reason } from '../../nostr/relay-message.ts';
import { firstValue } from '../../nostr/tags.ts';
import { mayKnowOf } from '../../policy/push-access.ts';
import type { StateStamp } from '../../policy/state-precedence.ts';
import type { Change, Evaluation } from '../../repository/change.ts';
import type { Manifest, RepositoryState } from '../../repository/manifest.ts';
import { UnknownOutcomeError } from '../../repository/publisher.ts';
import type { OwnerRecords } from '../../repository/records/owner-record.ts';
import {
  formatRepositoryId,
  identifierProblem,
  type RepositoryId,
  repositoryId,
} from '../../repository/repository-id.ts';
import type { Events } from '../events.ts';
import { type Authenticated, accept, reject, type Verdict } from '../publication.ts';
import { maxTrustingOwners, type Trust } from '../trust.ts';
import type { AnnouncedKind, AnnouncedKinds, AnnouncedState } from './announced-kind.ts';
import type { Directory } from './directory.ts';
import type { MaintainerClosures } from './maintainer-closures.ts';
import { newestAnnouncements, type PolicyContext } from './policy-change.ts';

export interface WithdrawalsContext extends Omit<PolicyContext, 'events'> {
  readonly events: Events;
  readonly repositories: AnnouncedKinds;
  readonly closures: MaintainerClosures;
  readonly directory: Directory;
  readonly trust: Trust;
  readonly owners: OwnerRecords;
  readonly clock: Clock;
  /** Milliseconds until no server answers from what it read before a change. */
  readonly settled: number;
  readonly heldStates: HeldStateRecords;
}

/** The signed states that repositories hold. */
export interface HeldStateRecords {
  heldIn(id: RepositoryId): Promise<readonly StateStamp[]>;
  remove(id: RepositoryId, eventIds: ReadonlySet<string>): Promise<void>;
}

/** What a request finds under a name: a repository that it withdraws, one that it leaves as it was, or none that was ever here. */
type Found = 'withdrawn' | 'as it was' | 'unknown';
/** What was found, and whether the sender may know of it. */
interface FoundThere {
  readonly is: Found;
  readonly isSeen: boolean;
}

/** What the answer to a request depends on. */
interface Known {
  readonly found: readonly Found[];
  /** True when held signed states were dropped. */
  readonly dropped: boolean;
  readonly concerned: boolean;
  /** True when one of the repositories that it names is announced here. */
  readonly announced: boolean;
}

/** How many repositories one request may withdraw. */
export const maxWithdrawn = 16;
/** How many events and addresses one request may name: each is looked up several times without yielding. */
export const maxNamed = 500;
/** How many identifiers are searched for held signed states. */
const MAX_SEARCHED = 64;

const NOTHING: Reason = 'blocked: there is nothing of yours here that this would delete';

export class Withdrawals {
  private readonly context: WithdrawalsContext;

  constructor(context: WithdrawalsContext) {
    this.context = context;
  }

  /**
   * Does what a deletion request asks for. The answer tells what was deleted only to a sender who may know that it was there.
   * @throws CairnError when the store fails
   */
  async withdraw(event: VerifiedEvent, sender: Authenticated): Promise<Verdict> {
    const parsed = parseDeletion(event);
    if (!parsed.ok) return reject(`invalid: ${parsed.reason}`);
    const { closures, events } = this.context;
    if (parsed.value.events.size + parsed.value.addresses.size > maxNamed) {
      return reject(`invalid: a deletion may name ${maxNamed} events and addresses: send several`);
    }
    const own = this.ownRepositories(parsed.value);
    if (own.length > maxWithdrawn)
      return reject(`invalid: it would withdraw more than ${maxWithdrawn} repositories`);
    const identifiers = this.announcedUnder(parsed.value);
    if (identifiers.length > maxWithdrawn)
      return reject(`invalid: it would delete more than ${maxWithdrawn} announcements`);
    const around = () => identifiers.flatMap((identifier) => closures.around(identifier, event.pubkey));
    const before = around();
    const known = this.knownTo(parsed.value, own);
    const told = this.knownTo(parsed.value, own, sender);
    this.context.directory.noteDeletion(event);
    const found = await this.withdrawAll(own, event, parsed.value, sender);
    if (typeof found === 'string') return reject(found);
    const dropped = await this.dropHeldStates(parsed.value, sender);
    const refusal = this.refusal(
      { found: found.map(({ is }) => is), dropped: dropped.length > 0, ...known },
      parsed.value,
      own,
    );
    if (refusal !== undefined) return reject(refusal);
    await events.append([event]);
    await closures.update([...before, ...around()], event);
    // Wait until other servers do not show any more what is withdrawn.
    if (found.some(({ is }) => is === 'withdrawn')) await this.context.clock.sleep(this.context.settled);
    const seen = found.map(({ is, isSeen }): Found => (isSeen ? is : 'unknown'));
    const answer = this.refusal(
      { found: seen, dropped: dropped.includes('seen'), ...told },
      parsed.value,
      own,
    );
    return answer === undefined ? accept() : reject(answer);
  }

  /**
   * The author's own repositories that a request names: by their address, or by the id of the announcement in force. Without
   * that announcement a repository does not exist for Nostr clients.
   */
  private ownRepositories(deletion: Deletion): RepositoryId[] {
    const { events } = this.context;
    const inForce = [...deletion.events].flatMap((id) => {
      const event = events.get(id);
      if (event?.kind !== kinds.repository || event.pubkey !== deletion.author) return [];
      const identifier = firstValue(event, 'd') ?? '';
      const isInForce = events.latest(kinds.repository, event.pubkey, identifier)?.id === id;
      return isInForce && identifierProblem(identifier) === undefined
        ? [repositoryId(event.pubkey, identifier)]
        : [];
    });
    const all = [...addressedRepositories(deletion), ...inForce];
    return [...new Map(all.map((id) => [formatRepositoryId(id), id])).values()];
  }

  /** The identifiers whose announcements a request deletes, by address or by id. */
  private announcedUnder(deletion: Deletion): string[] {
    const byId = [...deletion.events].flatMap((id) => {
      const event = this.context.events.get(id);
      return event?.kind === kinds.repository && event.pubkey === deletion.author
        ? [firstValue(event, 'd') ?? '']
        : [];
    });
    return [...new Set([...addressedRepositories(deletion).map(({ identifier }) => identifier), ...byId])];
  }

  /** What a request is about, as far as a reader may know. @param reader the keys the reader has shown; undefined: everything */
  private knownTo(deletion: Deletion, own: readonly RepositoryId[], reader?: Authenticated) {
    const { events, directory } = this.context;
    const announced = own.some(({ identifier }) => {
      const event = events.latest(kinds.repository, deletion.author, identifier);
      return event !== undefined && (reader === undefined || directory.visible(event, reader));
    });
    return { concerned: this.concerns(deletion, reader), announced };
  }

  private refusal(known: Known, deletion: Deletion, own: readonly RepositoryId[]): Reason | undefined {
    const { found, dropped, concerned } = known;
    if (!found.includes('withdrawn') && !dropped && !concerned) return NOTHING;
    // Reject a request that is only about repositories never announced here: a misspelt name, or the wrong server.
    if (own.length === 0 || own.length < deletion.addresses.size || deletion.events.size > 0)
      return undefined;
    if (known.announced || found.some((is) => is !== 'unknown')) return undefined;
    const names = own.map(({ identifier }) => JSON.stringify(identifier)).join(', ');
    return `blocked: you have announced no repository ${names} here`;
  }

  /** @returns what was found under each name, or why the request is refused */
  private async withdrawAll(
    own: readonly RepositoryId[],
    event: VerifiedEvent,
    deletion: Deletion,
    sender: Authenticated,
  ): Promise<readonly FoundThere[] | Reason> {
    try {
      return await concurrently(own, 4, (id) =>
        this.context.repositories.of(id, (kind) => this.withdrawOne(kind, id, event, deletion, sender)),
      );
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError)) throw error;
      return 'error: the object store did not answer; the repository may or may not be withdrawn, send it again';
    }
  }

  private async withdrawOne<M extends Manifest>(
    kind: AnnouncedKind<M>,
    id: RepositoryId,
    event: VerifiedEvent,
    deletion: Deletion,
    sender: Authenticated,
  ): Promise<FoundThere> {
    const { signedEvents, directory, owners } = this.context;
    const repository = kind.get(id);
    const existing = await repository.resolve();
    if (existing === undefined) return { is: 'unknown', isSeen: false };
    await signedEvents.store(id, event);
    const { result, committed } = await repository.publisher.join(
      new WithdrawChange(kind, this.context, id, deletion, repository.mark()),
    );
    if (committed.manifest?.lifecycle === 'withdrawn') {
      directory.learn(id.identifier, { owner: id.owner, ...committed.manifest.policy });
      await owners.settle(id.owner, id.identifier, 'withdrawn');
    }
    const isSeen = mayKnowOf({ owner: id.owner, ...existing.manifest.policy }, sender);
    return { is: result ? 'withdrawn' : 'as it was', isSeen };
  }

  /**
   * Drops held signed states. They are not in the log, so they are looked for where their author may write.
   * @returns for each repository that held one, whether the sender may know of the repository
   */
  private async dropHeldStates(
    deletion: Deletion,
    sender: Authenticated,
  ): Promise<readonly ('seen' | 'unseen')[]> {
    const { directory } = this.context;
    const dropped = await concurrently(this.repositoriesThatMayHold(deletion), 4, async (id) => {
      if (!(await this.dropHeldStatesIn(id, deletion))) return undefined;
      const facts = directory.facts(id.owner, id.identifier);
      return facts === undefined || mayKnowOf(facts, sender) ? 'seen' : 'unseen';
    });
    return dropped.filter((each) => each !== undefined);
  }

  /** The repositories that may hold the author's states; the author's own first, so that strangers' do not displace them. */
  private repositoriesThatMayHold(deletion: Deletion): RepositoryId[] {
    const { directory, trust, events } = this.context;
    const { author } = deletion;
    const stated = [...deletion.addresses].map(parseAddress).flatMap((address) => {
      return address?.kind === kinds.repositoryState && identifierProblem(address.identifier) === undefined
        ? address.identifier
        : [];
    });
    // A state that is named by its id alone may be held wherever its author may write.
    const anywhere = [...deletion.events].some((id) => events.get(id) === undefined);
    const searched = anywhere ? directory.repositoriesOf(author) : [];
    const own = searched.filter(({ owner }) => owner === author);
    const identifiers = [
      ...stated,
      ...[...own, ...searched].map(({ announcement }) => announcement.identifier),
    ];
    const ids = [...new Set(identifiers)]
      .slice(0, MAX_SEARCHED)
      .map((identifier) =>
        trust.repositoriesOf(author, identifier).owners.map((owner) => repositoryId(owner, identifier)),
      );
    const [first, others] = [ids.flatMap((each) => each.slice(0, 1)), ids.flatMap((each) => each.slice(1))];
    return [...first, ...others].slice(0, MAX_SEARCHED + maxTrustingOwners);
  }

  private async dropHeldStatesIn(id: RepositoryId, deletion: Deletion): Promise<boolean> {
    const { heldStates } = this.context;
    const { author, addresses, at } = deletion;
    const address = formatAddress({
      kind: kinds.repositoryState,
      pubkey: author,
      identifier: id.identifier,
    });
    const deleted = (await heldStates.heldIn(id)).filter(
      (state) =>
        state.author === author &&
        (deletion.events.has(state.id) || (addresses.has(address) && state.at <= at)),
    );
    if (deleted.length > 0) await heldStates.remove(id, new Set(deleted.map((state) => state.id)));
    return deleted.length > 0;
  }

  /**
   * True when a request deletes something here, or when its author belongs here. Other requests are not kept.
   * @param reader counts only what a client with these keys may see
   */
  private concerns(deletion: Deletion, reader?: Authenticated): boolean {
    const { events, directory } = this.context;
    const isSeen = (event: NostrEvent) => reader === undefined || directory.visible(event, reader);
    const isOwn = (event: NostrEvent | undefined) =>
      event !== undefined && event.pubkey === deletion.author && isSeen(event);
    return (
      [...deletion.events].some((id) => isOwn(events.get(id))) ||
      [...deletion.addresses].some((text) => {
        const address = parseAddress(text);
        return (
          address !== undefined && isOwn(events.latest(address.kind, address.pubkey, address.identifier))
        );
      }) ||
      (reader === undefined
        ? directory.hasRepository(deletion.author)
        : directory.hasRepositoryFor(deletion.author, reader))
    );
  }
}

/** The author's own repositories that a request names by address. */
function addressedRepositories(deletion: Deletion): RepositoryId[] {
  return [...deletion.addresses].map(parseAddress).flatMap((address) => {
    if (address?.kind !== kinds.repository || address.pubkey !== deletion.author) return [];
    return identifierProblem(address.identifier) === undefined
      ? [repositoryId(address.pubkey, address.identifier)]
      : [];
  });
}

/**
 * Empties a repository and marks it as withdrawn. Its policy stays: it tells who may know that the repository existed. An
 * announcement newer than the request stays in force, unless the request names it by its id. If the repository is withdrawn
 * already, the watermark moves forward.
 */
class WithdrawChange<M extends Manifest> implements Change<M, boolean> {
  readonly since: number;
  private readonly kind: AnnouncedKind<M>;
  private readonly context: PolicyContext;
  private readonly id: RepositoryId;
  private readonly deletion: Deletion;

  constructor(
    kind: AnnouncedKind<M>,
    context: PolicyContext,
    id: RepositoryId,
    deletion: Deletion,
    since: number,
  ) {
    this.kind = kind;
    this.context = context;
    this.id = id;
    this.deletion = deletion;
    this.since = since;
  }

  /** The result is true when this request caused the withdrawal in force. */
  async evaluate(current: AnnouncedState<M> | undefined): Promise<Evaluation<M, boolean>> {
    const { at, id: evidence, author: actor } = this.deletion;
    if (current === undefined) return { result: false };
    const last = current.withdrawal;
    const isOutdated = last !== undefined && last.at > at;
    if (current.lifecycle === 'withdrawn') {
      if (last?.id === evidence) return { result: true };
      if (isOutdated) return { result: false };
    } else if (!(await this.endsAnnouncement(current, isOutdated))) return { result: false };
    // The date never goes back, and the request is the one that did it: the sweep stores it if that has failed.
    const withdrawal = { id: evidence, at: Math.max(at, last?.at ?? at) };
    return {
      next: { ...this.kind.emptied(current), lifecycle: 'withdrawn', withdrawal },
      cause: this.kind.cause('withdraw', actor, evidence, current),
      result: true,
    };
  }

  /** Whether the request deletes the announcement in force: by its id whatever its date, as it deletes any event. */
  private async endsAnnouncement(state: RepositoryState, isOutdated: boolean): Promise<boolean> {
    const newest = await newestAnnouncements(this.context, this.id, state);
    const announcement = newest(this.id.owner);
    if (announcement !== undefined && this.deletion.events.has(announcement.id)) return true;
    return !isOutdated && (announcement === undefined || announcement.created_at <= this.deletion.at);
  }
}
