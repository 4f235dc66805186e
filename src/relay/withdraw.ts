/**
 * Deletion requests (NIP-09, kind 5). One that names the address of its author's own announcement withdraws the
 * repository; whatever else it names is taken back by the index of events.
 */
import { concurrently } from '../lib/concurrently.ts';
import { formatAddress, parseAddress } from '../nostr/address.ts';
import { type Deletion, parseDeletion } from '../nostr/deletion.ts';
import type { NostrEvent, VerifiedEvent } from '../nostr/event.ts';
import { kinds } from '../nostr/kinds.ts';
import type { Reason } from '../nostr/relay-message.ts';
import { firstValue } from '../nostr/tags.ts';
import type { OrderStamp } from '../policy/order-precedence.ts';
import type { RepositoryState } from '../repository/manifest.ts';
import type { OwnerRecords } from '../repository/owner-record.ts';
import { type Change, type Evaluation, UnknownOutcomeError } from '../repository/publisher.ts';
import type { Repositories } from '../repository/repositories.ts';
import {
  formatRepositoryId,
  identifierProblem,
  type RepositoryId,
  repositoryId,
} from '../repository/repository-id.ts';
import type { Closures } from './closures.ts';
import type { Directory } from './directory.ts';
import type { Events } from './events.ts';
import { newestAnnouncements, type PolicyContext } from './policy-change.ts';
import { accept, reject, type Verdict } from './publication.ts';

export interface WithdrawalsContext extends Omit<PolicyContext, 'events'> {
  readonly events: Events;
  readonly repositories: Repositories;
  readonly closures: Closures;
  readonly directory: Directory;
  readonly owners: OwnerRecords;
  readonly orders: WaitingOrders;
}

/** The orders that wait in repositories. */
export interface WaitingOrders {
  waiting(id: RepositoryId): Promise<readonly OrderStamp[]>;
  remove(id: RepositoryId, eventIds: ReadonlySet<string>): Promise<void>;
}

/** What a request finds under a name: a repository that it withdraws, one that it leaves, or none that was ever here. */
type Found = 'withdrawn' | 'as it was' | 'unknown';

/** Repositories one request may withdraw. */
export const maxWithdrawn = 16;
/** Repositories in which orders are looked for. */
const MAX_SEARCHED = 64;

const NOTHING: Reason = 'blocked: there is nothing of yours here that this would delete';

export class Withdrawals {
  private readonly context: WithdrawalsContext;

  constructor(context: WithdrawalsContext) {
    this.context = context;
  }

  /**
   * Does what a deletion request asks for.
   * @throws CairnError when the store fails
   */
  async withdraw(event: VerifiedEvent): Promise<Verdict> {
    const parsed = parseDeletion(event);
    if (!parsed.ok) return reject(`invalid: ${parsed.reason}`);
    const { closures, events } = this.context;
    const own = this.ownRepositories(parsed.value);
    if (own.length > maxWithdrawn)
      return reject(`invalid: it would withdraw more than ${maxWithdrawn} repositories`);
    const identifiers = this.announcedUnder(parsed.value);
    if (identifiers.length > maxWithdrawn)
      return reject(`invalid: it would take back more than ${maxWithdrawn} announcements`);
    const around = () => identifiers.flatMap((identifier) => closures.around(identifier, event.pubkey));
    const before = around();
    const found = await this.withdrawAll(own, event);
    if (typeof found === 'string') return reject(found);
    const withdrawn = found.includes('withdrawn');
    const dropped = await this.dropOrders(parsed.value);
    if (!withdrawn && !dropped && !this.concerns(parsed.value)) return reject(NOTHING);
    const unknown = this.neverAnnounced(own, found, parsed.value);
    if (unknown !== undefined) return reject(`blocked: you have announced no repository ${unknown} here`);
    await events.append([event]);
    await closures.update([...before, ...around()], event);
    return accept();
  }

  /**
   * The repositories of the author's own that a request names: by their address, or by the id of the announcement in
   * force. Without it there is no repository as far as the world of Nostr knows.
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

  /** The identifiers whose announcements a request takes back, by their address or by their id. */
  private announcedUnder(deletion: Deletion): string[] {
    const byId = [...deletion.events].flatMap((id) => {
      const event = this.context.events.get(id);
      return event?.kind === kinds.repository && event.pubkey === deletion.author
        ? [firstValue(event, 'd') ?? '']
        : [];
    });
    return [...new Set([...addressedRepositories(deletion).map(({ identifier }) => identifier), ...byId])];
  }

  /**
   * The names of the repositories that a request is about when it is about nothing else and none of them has ever been
   * announced here: somebody has misspelt a name, or asks the wrong server.
   */
  private neverAnnounced(
    own: readonly RepositoryId[],
    found: readonly Found[],
    { events: ids, addresses, author }: Deletion,
  ): string | undefined {
    if (own.length === 0 || own.length < addresses.size || ids.size > 0) return undefined;
    const { events } = this.context;
    const isKnown = own.some(
      ({ identifier }, index) =>
        found[index] !== 'unknown' || events.latest(kinds.repository, author, identifier) !== undefined,
    );
    return isKnown ? undefined : own.map(({ identifier }) => JSON.stringify(identifier)).join(', ');
  }

  /** @returns what became of each of them, or why the request is refused */
  private async withdrawAll(
    own: readonly RepositoryId[],
    event: VerifiedEvent,
  ): Promise<readonly Found[] | Reason> {
    try {
      return await concurrently(own, 4, (id) => this.withdrawOne(id, event));
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError)) throw error;
      return 'error: the object store did not answer; the repository may or may not be withdrawn, send it again';
    }
  }

  private async withdrawOne(id: RepositoryId, event: VerifiedEvent): Promise<Found> {
    const { repositories, signedEvents, directory, owners } = this.context;
    const repository = repositories.get(id);
    const met = await repository.resolve();
    if (met === undefined) return 'unknown';
    await signedEvents.store(id, event);
    const { result, published } = await repository.publisher.join(
      new WithdrawChange(this.context, id, event, repository.mark()),
    );
    if (published.manifest?.state === 'withdrawn') {
      directory.learn(id.identifier, { owner: id.owner, ...published.manifest.policy });
      await owners.settle(id.owner, id.identifier, 'withdrawn');
    }
    return result ? 'withdrawn' : 'as it was';
  }

  /**
   * An order that waits is not in the log; it is looked for where its author may give orders.
   * @returns true when there was one
   */
  private async dropOrders(deletion: Deletion): Promise<boolean> {
    const dropped = await concurrently(this.whereOrdersMayWait(deletion), 4, (id) =>
      this.dropOrdersOf(id, deletion),
    );
    return dropped.includes(true);
  }

  private whereOrdersMayWait(deletion: Deletion): RepositoryId[] {
    const { directory, closures, events } = this.context;
    const stated = [...deletion.addresses].map(parseAddress).flatMap((address) => {
      if (address?.kind !== kinds.repositoryState) return [];
      return closures.around(address.identifier, deletion.author);
    });
    // Named by its id alone, an order may wait wherever its author may give one.
    const anywhere = [...deletion.events].some((id) => events.get(id) === undefined);
    const searched = anywhere ? directory.repositoriesOf(deletion.author) : [];
    const ids = searched.map(({ owner, announcement }) => repositoryId(owner, announcement.identifier));
    return [...new Map([...stated, ...ids].map((id) => [formatRepositoryId(id), id])).values()].slice(
      0,
      MAX_SEARCHED,
    );
  }

  private async dropOrdersOf(id: RepositoryId, deletion: Deletion): Promise<boolean> {
    const { orders } = this.context;
    const { author, addresses, at } = deletion;
    const address = formatAddress({
      kind: kinds.repositoryState,
      pubkey: author,
      identifier: id.identifier,
    });
    const taken = (await orders.waiting(id)).filter(
      (order) =>
        order.author === author &&
        (deletion.events.has(order.id) || (addresses.has(address) && order.at <= at)),
    );
    if (taken.length > 0) await orders.remove(id, new Set(taken.map((order) => order.id)));
    return taken.length > 0;
  }

  /** What takes back nothing that is here is not kept, unless its author belongs here. */
  private concerns(deletion: Deletion): boolean {
    const { events, directory } = this.context;
    const isOwn = (event: NostrEvent | undefined) => event?.pubkey === deletion.author;
    return (
      [...deletion.events].some((id) => isOwn(events.get(id))) ||
      [...deletion.addresses].some((text) => {
        const address = parseAddress(text);
        return (
          address !== undefined &&
          events.latest(address.kind, address.pubkey, address.identifier) !== undefined
        );
      }) ||
      directory.hasRepository(deletion.author)
    );
  }
}

/** The repositories of the author's own that a request names by their address. */
function addressedRepositories(deletion: Deletion): RepositoryId[] {
  return [...deletion.addresses].map(parseAddress).flatMap((address) => {
    if (address?.kind !== kinds.repository || address.pubkey !== deletion.author) return [];
    return identifierProblem(address.identifier) === undefined
      ? [repositoryId(address.pubkey, address.identifier)]
      : [];
  });
}

/**
 * Empties a repository and marks it as withdrawn. Its policy stays, for telling who may know that there was one. An
 * announcement newer than the request stands; on a repository withdrawn already the watermark moves forward.
 */
class WithdrawChange implements Change<boolean> {
  readonly since: number;
  private readonly context: PolicyContext;
  private readonly id: RepositoryId;
  private readonly event: VerifiedEvent;

  constructor(context: PolicyContext, id: RepositoryId, event: VerifiedEvent, since: number) {
    this.context = context;
    this.id = id;
    this.event = event;
    this.since = since;
  }

  /** The result is true when this request stands behind the withdrawal. */
  async evaluate(state: RepositoryState | undefined): Promise<Evaluation<boolean>> {
    const { created_at: at, id: evidence, pubkey: actor } = this.event;
    if (state === undefined || (state.withdrawal?.at ?? -1) > at) return { result: false };
    if (state.withdrawal?.id === evidence && state.state === 'withdrawn') return { result: true };
    if (state.state !== 'withdrawn' && (await this.announcedAfter(state, at))) return { result: false };
    const { graph: _none, epoch: _over, ...rest } = state;
    return {
      next: {
        ...rest,
        state: 'withdrawn',
        refs: new Map(),
        peeled: new Map(),
        packs: [],
        order: null,
        withdrawal: { id: evidence, at },
      },
      cause: { kind: 'withdraw', actor, evidence, refs: [...state.refs.keys()] },
      result: true,
    };
  }

  private async announcedAfter(state: RepositoryState, at: number): Promise<boolean> {
    const newest = await newestAnnouncements(this.context, this.id, state);
    const announcement = newest(this.id.owner);
    return announcement !== undefined && announcement.created_at > at;
  }
}
