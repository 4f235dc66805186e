/**
 * Keeps policies up to date. Who may write to a repository follows from the announcements of several keys. When one of these
 * changes, every repository that its author joins or leaves as a maintainer gets a new policy.
 */
import type { Clock } from '../../lib/clock.ts';
import { concurrently } from '../../lib/concurrently.ts';
import { becauseOf, isCairnError, messageOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { parseAddress } from '../../nostr/address.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { newestFirst } from '../../nostr/event-order.ts';
import { kinds } from '../../nostr/kinds.ts';
import { acceptedOwners } from '../../nostr/maintainers.ts';
import { firstValue, values } from '../../nostr/tags.ts';
import type { Logger } from '../../observability/logger.ts';
import { mayKnowOf } from '../../policy/push-access.ts';
import type { Manifest } from '../../repository/manifest.ts';
import {
  formatRepositoryId,
  identifierProblem,
  type RepositoryId,
  repositoryId,
} from '../../repository/repository-id.ts';
import type { Events } from '../events.ts';
import type { Authenticated } from '../publication.ts';
import type { Trust } from '../trust.ts';
import type { AnnouncedKind, AnnouncedKinds } from './announced-kind.ts';
import type { Directory } from './directory.ts';
import { derivePolicy, PolicyChange, type PolicyContext, publishStored } from './policy-change.ts';
import { readAnnouncement } from './read-announcement.ts';

export interface ClosuresContext extends Omit<PolicyContext, 'events'> {
  readonly events: Events;
  readonly directory: Directory;
  readonly trust: Trust;
  readonly repositories: AnnouncedKinds;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** How many publishes run at once. */
const WIDTH = 8;
/** Milliseconds, at least and half of at most, that a server waits before it repeats what another server has begun. */
const PATIENCE_MS = 2_000;
/** Up to so many repositories of one identifier are all checked when another server's announcement arrives. */
const FEW = 64;
/** How many repositories one run of the sweep checks. */
const SWEPT_AT_ONCE = 200;

export class MaintainerClosures {
  private readonly context: ClosuresContext;
  private readonly stopping = new AbortController();
  private readonly pending = new Map<string, { readonly identifier: string; readonly cause: NostrEvent }>();
  private working: Promise<void> | undefined;
  private unswept: RepositoryId[] | undefined;
  /** Identifiers with more repositories to update than one request may look at. */
  private readonly overlooked = new Set<string>();
  private readonly stopListening: () => void;

  constructor(context: ClosuresContext) {
    this.context = context;
    this.stopListening = context.events.onEvent((event, { elsewhere }) => {
      if (elsewhere) this.followLater(event);
    });
  }

  /**
   * The repositories under an identifier that an author may write to by the announcements: the author's own first, then those
   * the author accepts, then as many others as one request may look at. The sweep updates the rest.
   * @param alsoKnown an announcement by the author that is not in the log yet
   */
  around(identifier: string, author: string, alsoKnown?: NostrEvent): RepositoryId[] {
    const { directory, events, rule, trust } = this.context;
    const newest = (key: string) => {
      const known = events.latest(kinds.repository, key, identifier);
      if (alsoKnown === undefined || key !== alsoKnown.pubkey) return known;
      return known !== undefined && newestFirst(known, alsoKnown) < 0 ? known : alsoKnown;
    };
    const accepted = acceptedOwners(author, (key) => readAnnouncement(newest(key)), rule) ?? [];
    return [...new Set([...accepted, ...trust.repositoriesTrusting(author, identifier).owners])]
      .filter((owner) => directory.facts(owner, identifier) !== undefined)
      .filter((owner) => derivePolicy(owner, newest, rule)?.policy.writers.includes(author) === true)
      .map((owner) => repositoryId(owner, identifier));
  }

  /** True when one of them is a repository here that a client with these keys may know of. */
  async anyHere(ids: readonly RepositoryId[], keys: Authenticated): Promise<boolean> {
    for (const id of distinct(ids)) {
      const manifest = (await this.context.repositories.resolve(id))?.manifest;
      if (manifest === undefined || manifest.lifecycle === 'withdrawn') continue;
      if (mayKnowOf({ owner: id.owner, ...manifest.policy }, keys)) return true;
    }
    return false;
  }

  /**
   * Publishes the policies that follow from the announcements now, and returns once they are in force. Skips ids without a
   * repository here.
   * @param cause the announcement or deletion that led to this
   * @throws CairnError when some could not be published; they are tried again in the background
   */
  async update(
    ids: readonly RepositoryId[],
    cause: NostrEvent,
    options: { readonly except?: RepositoryId } = {},
  ): Promise<void> {
    const except = options.except === undefined ? undefined : formatRepositoryId(options.except);
    const others = distinct(ids).filter((id) => formatRepositoryId(id) !== except);
    for (const identifier of identifiersOf(cause)) {
      if (!this.context.trust.repositoriesTrusting(cause.pubkey, identifier).complete)
        this.overlooked.add(identifier);
    }
    try {
      await concurrently(others, WIDTH, (id) => this.publish(id, cause));
    } catch (error) {
      // The deletion may already have removed the announcement that tells the identifiers.
      const identifiers = others.map(({ identifier }) => identifier);
      if (isCairnError(error, 'unavailable') || isCairnError(error, 'busy')) {
        this.followLater(cause, new Set(identifiers));
      }
      throw becauseOf(
        'unavailable',
        'it is kept, but not every repository it concerns is updated yet',
        error,
      );
    }
  }

  /**
   * Checks everything that is announced once, a part at each call: a server may have stopped in the middle of an announcement
   * or a withdrawal.
   */
  async sweep(signal: AbortSignal): Promise<void> {
    this.unswept ??= this.announcedHere();
    if (this.unswept.length === 0) this.takeUpOverlooked();
    for (const id of this.unswept.splice(0, SWEPT_AT_ONCE)) {
      signal.throwIfAborted();
      await this.repair(id);
    }
  }

  private takeUpOverlooked(): void {
    for (const identifier of this.overlooked) {
      const owners = this.context.directory.under(identifier).keys();
      this.unswept?.push(...[...owners].map((owner) => repositoryId(owner, identifier)));
    }
    this.overlooked.clear();
  }

  /** Waits until everything that came from other servers is done. */
  async idle(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  async close(): Promise<void> {
    this.stopListening();
    this.stopping.abort(new Error('the server is stopping'));
    await this.working;
  }

  private publish(id: RepositoryId, because: NostrEvent): Promise<void> {
    return this.context.repositories.of(id, (kind) => this.publishOf(kind, id, because));
  }

  private async publishOf<M extends Manifest>(
    kind: AnnouncedKind<M>,
    id: RepositoryId,
    because: NostrEvent,
  ): Promise<void> {
    const { signedEvents } = this.context;
    const repository = kind.get(id);
    const since = repository.mark();
    const alsoKnown = because.kind === kinds.repository ? because : undefined;
    await publishStored(
      repository,
      signedEvents,
      (stored) =>
        new PolicyChange({
          context: this.context,
          id,
          cause: kind.cause('announce', because.pubkey, because.id),
          stored,
          since,
          ...(alsoKnown === undefined ? {} : { alsoKnown }),
        }),
    );
  }

  /** The server that took an announcement publishes what follows from it. This one does it later, in case the other stopped. */
  private followLater(event: NostrEvent, identifiers: Iterable<string> = identifiersOf(event)): void {
    for (const identifier of identifiers) {
      if (identifierProblem(identifier) !== undefined) continue;
      this.pending.set(`${event.pubkey}/${identifier}`, { identifier, cause: event });
    }
    if (this.pending.size > 0 && !this.stopping.signal.aborted) this.working ??= this.work();
  }

  private async work(): Promise<void> {
    const { clock, random, log } = this.context;
    const { signal } = this.stopping;
    try {
      while (this.pending.size > 0) {
        await clock.sleep(PATIENCE_MS * (1 + random.fraction()), signal);
        const due = [...this.pending.values()];
        this.pending.clear();
        for (const { identifier, cause } of due) await this.reconcile(identifier, cause);
      }
    } catch (error) {
      // Only the end of the server gets here. The sweep of the next start does what is pending.
      if (!signal.aborted) log.error({ err: error }, 'following announcements');
    } finally {
      this.working = undefined;
    }
  }

  private async reconcile(identifier: string, cause: NostrEvent): Promise<void> {
    const all = this.context.events.announcements(identifier);
    const ids =
      all.length <= FEW
        ? all.map(({ pubkey }) => repositoryId(pubkey, identifier))
        : this.around(identifier, cause.pubkey);
    try {
      await this.update(ids, cause);
    } catch (error) {
      this.context.log.warn({ identifier, problem: messageOf(error) }, 'could not follow an announcement');
    }
  }

  private announcedHere(): RepositoryId[] {
    const announcements = this.context.events.query(
      [{ kinds: new Set([kinds.repository]), tags: new Map() }],
      {
        limit: Number.POSITIVE_INFINITY,
        now: 0,
        visible: () => true,
      },
    );
    return announcements.flatMap((event) => {
      const identifier = firstValue(event, 'd') ?? '';
      return identifierProblem(identifier) === undefined ? [repositoryId(event.pubkey, identifier)] : [];
    });
  }

  private async repair(id: RepositoryId): Promise<void> {
    const { events, repositories, signedEvents, log } = this.context;
    try {
      const announcement = events.latest(kinds.repository, id.owner, id.identifier);
      if (announcement === undefined) return;
      const state = await repositories.resolve(id);
      const withdrawal = state?.manifest.withdrawal;
      const isWithdrawn = state?.manifest.lifecycle === 'withdrawn';
      // A request that names the announcement by its id may be dated before it.
      if (withdrawal !== undefined && (isWithdrawn || withdrawal.at >= announcement.created_at)) {
        await events.append([await signedEvents.load(id, withdrawal.id)]);
      } else if (state !== undefined && !isWithdrawn) {
        await this.publish(id, announcement);
      }
    } catch (error) {
      log.warn(
        { repository: formatRepositoryId(id), problem: messageOf(error) },
        'could not be looked after',
      );
    }
  }
}

/** The identifiers under which an event may change maintainers. */
function identifiersOf(event: NostrEvent): string[] {
  if (event.kind === kinds.repository) return [firstValue(event, 'd') ?? ''];
  if (event.kind !== kinds.deletion) return [];
  return values(event, 'a')
    .map(parseAddress)
    .flatMap((address) =>
      address?.kind === kinds.repository && address.pubkey === event.pubkey ? [address.identifier] : [],
    );
}

function distinct(ids: readonly RepositoryId[]): RepositoryId[] {
  return [...new Map(ids.map((id) => [formatRepositoryId(id), id])).values()];
}
