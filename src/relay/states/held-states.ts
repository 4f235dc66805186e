/**
 * Signed states that are held until a push brings their objects (GRASP-01), and the tips that pull requests name. A push
 * without credentials is checked against both.
 */
import { refNameProblem } from '../../git/index.ts';
import { concurrently } from '../../lib/concurrently.ts';
import type { NostrEvent, VerifiedEvent } from '../../nostr/event.ts';
import { parseSignedState } from '../../nostr/signed-state.ts';
import type { Verifier } from '../../nostr/verify.ts';
import type { Logger } from '../../observability/logger.ts';
import type { HeldState } from '../../policy/state-match.ts';
import { isNewerState, type StateStamp } from '../../policy/state-precedence.ts';
import { type HeldEntry, type HeldRecordContext, heldRecord } from '../../repository/records/held-record.ts';
import { readRecord, updateRecord } from '../../repository/records/shared-record.ts';
import { formatRepositoryId, type RepositoryId, repositoryId } from '../../repository/repository-id.ts';
import type { EventReader } from '../events.ts';
import type { SignedEvents } from '../log/signed-events.ts';
import { tipOf } from '../pull-requests/pull-request-tip.ts';
import { repositoriesNamed, type Trust } from '../trust.ts';

/** How long a signed state is held, in seconds. */
export const HELD_SECONDS = 30 * 60;
/** How many signed states a repository holds at most: the newest ones, and of each author only the newest. */
export const MAX_HELD = 16;

/** The result of holding a signed state: `held`, or a newer one that is held: by the same author, or the oldest of too many. */
export type Held = 'held' | { readonly outdatedBy: StateStamp };

export interface HeldStatesContext extends HeldRecordContext {
  readonly events: EventReader;
  readonly signedEvents: SignedEvents;
  readonly verifier: Verifier;
  readonly trust: Pick<Trust, 'accepts' | 'crowdedWriters' | 'hasAnnounced'>;
  readonly log: Logger;
}

export class HeldStates {
  private readonly context: HeldStatesContext;

  constructor(context: HeldStatesContext) {
    this.context = context;
  }

  /**
   * All signed states that are held for a repository. Takes one request, and one more for each maintainer whose states are
   * held once for all repositories (see {@link holdForAuthor}). Leaves out states that are too old, that their author has
   * deleted, or whose author does not accept this repository any more.
   * @throws CairnError `unavailable` when the store does not answer; `corrupt` when the record cannot be read
   */
  async heldIn(id: RepositoryId): Promise<readonly HeldState[]> {
    const { trust } = this.context;
    await this.takeFromAuthors(id, trust.crowdedWriters(id.owner, id.identifier));
    return (await this.entries(id))
      .filter(({ event }) => trust.accepts(event.pubkey, id.owner, id.identifier))
      .flatMap((entry) => this.parse(entry, id) ?? []);
  }

  /**
   * Holds a signed state. Its event is stored in the repository as well, because the manifest of the push that applies the
   * state names the event.
   * @returns a newer state, if that one stands in its way
   * @throws CairnError `unavailable` or `busy` when the store does not take it
   */
  async hold(id: RepositoryId, event: VerifiedEvent): Promise<Held> {
    await this.context.signedEvents.store(id, event);
    return this.put(id, event);
  }

  /**
   * Holds a signed state once for all repositories that name its author. For authors whom more repositories name than a
   * request may go through: a stranger who names a key in many repositories causes no work, and does not keep the state from
   * the repository it is meant for.
   * @throws CairnError `unavailable` or `busy` when the store does not take it
   */
  holdForAuthor(identifier: string, event: VerifiedEvent): Promise<Held> {
    return this.put(repositoryId(event.pubkey, identifier), event);
  }

  private async put(id: RepositoryId, event: VerifiedEvent): Promise<Held> {
    let outdatedBy: StateStamp | undefined;
    await updateRecord(heldRecord(this.context, id), (current) => {
      const held = this.fresh(current?.orders ?? []);
      const stamp = stampOf(event);
      const own = held.find((entry) => entry.event.pubkey === event.pubkey);
      const ownStamp = own === undefined ? undefined : stampOf(own.event);
      outdatedBy = ownStamp !== undefined && isNewerState(ownStamp, stamp) ? ownStamp : undefined;
      if (outdatedBy !== undefined || own?.event.id === event.id) return undefined;
      const entry = { event: copyOf(event), heldAt: this.now() };
      const kept = newest([...held.filter((other) => other !== own), entry]);
      if (kept.includes(entry)) return { orders: kept };
      const oldest = kept.at(-1);
      outdatedBy = oldest === undefined ? undefined : stampOf(oldest.event);
      return undefined;
    });
    return outdatedBy === undefined ? 'held' : { outdatedBy };
  }

  /**
   * Removes signed states that their author has deleted.
   * @throws CairnError `unavailable` or `busy` when the store does not take it
   */
  async remove(id: RepositoryId, eventIds: ReadonlySet<string>): Promise<void> {
    await this.keep(id, ({ event }) => !eventIds.has(event.id));
  }

  /** Removes a signed state that has been applied, and all that are older. Never rejects. */
  async removeApplied(id: RepositoryId, applied: StateStamp): Promise<void> {
    try {
      await this.keep(id, ({ event }) => isNewerState(stampOf(event), applied));
    } catch (error) {
      // A state that stays held does no harm: it is not newer than the one in the manifest, so no push can apply it.
      this.context.log.warn(
        { err: error, repository: formatRepositoryId(id) },
        'a signed state is applied and still held',
      );
    }
  }

  /**
   * The branches and tags that an applied signed state set.
   * @param applied the state, as a manifest of the repository names it
   * @throws CairnError `unavailable` when the store does not answer; `corrupt` when it has no such event
   */
  async refsOf(id: RepositoryId, applied: Pick<StateStamp, 'id'>): Promise<ReadonlyMap<string, string>> {
    const { events, signedEvents } = this.context;
    const event = events.get(applied.id) ?? (await signedEvents.load(id, applied.id));
    const parsed = parseSignedState(event, refNameProblem);
    return parsed.ok ? parsed.value.refs : new Map();
  }

  /**
   * The tip that a pull request names.
   * @returns undefined when there is no event with this id; null when the event is not a pull request that names a tip
   */
  pullRequestTip(eventId: string): string | null | undefined {
    const event = this.context.events.get(eventId);
    return event === undefined ? undefined : (tipOf(event) ?? null);
  }

  private async entries(id: RepositoryId): Promise<HeldEntry[]> {
    const reading = await readRecord(heldRecord(this.context, id));
    return reading.is === 'found' ? this.fresh(reading.record.orders) : [];
  }

  private async takeFromAuthors(id: RepositoryId, authors: readonly string[]): Promise<void> {
    if (authors.length === 0) return;
    const here = new Set((await this.entries(id)).map(({ event }) => event.id));
    await concurrently(authors, 8, async (author) => {
      for (const { event } of await this.entries(repositoryId(author, id.identifier))) {
        if (event.pubkey !== author || here.has(event.id) || !this.context.verifier.verify(event)) continue;
        await this.hold(id, event);
      }
    });
  }

  private async keep(id: RepositoryId, stays: (entry: HeldEntry) => boolean): Promise<void> {
    const place = heldRecord(this.context, id);
    await updateRecord(place, (current) => {
      if (current === undefined) return undefined;
      const kept = this.fresh(current.orders).filter(stays);
      return kept.length === current.orders.length ? undefined : { orders: kept };
    });
  }

  private fresh(entries: readonly HeldEntry[]): HeldEntry[] {
    const { events } = this.context;
    const since = this.now() - HELD_SECONDS;
    return entries.filter((entry) => entry.heldAt > since && events.judge(entry.event) !== 'deleted');
  }

  /** Verifies the event again, although that was done before it was stored: it is cheap, and a push relies on it. */
  private parse({ event }: HeldEntry, { owner, identifier }: RepositoryId): HeldState | undefined {
    const { verifier, trust } = this.context;
    if (!verifier.verify(event)) return undefined;
    const state = parseSignedState(event, refNameProblem);
    if (!state.ok) return undefined;
    // An author who has not announced this repository may mean another one.
    const isOwn = event.pubkey === owner || trust.hasAnnounced(event.pubkey, identifier);
    return { ...state.value, ...(isOwn || repositoriesNamed(event).length > 0 ? {} : { authorOnly: true }) };
  }

  private now(): number {
    return Math.floor(this.context.clock.now() / 1000);
  }
}

function stampOf(event: Pick<NostrEvent, 'id' | 'pubkey' | 'created_at'>): StateStamp {
  return { id: event.id, author: event.pubkey, at: event.created_at };
}

function newest(entries: readonly HeldEntry[]): HeldEntry[] {
  if (entries.length <= MAX_HELD) return [...entries];
  const sorted = [...entries].sort((a, b) => (isNewerState(stampOf(a.event), stampOf(b.event)) ? -1 : 1));
  return sorted.slice(0, MAX_HELD);
}

function copyOf(event: NostrEvent): HeldEntry['event'] {
  const { id, pubkey, created_at, kind, tags, content, sig } = event;
  return { id, pubkey, created_at, kind, tags: tags.map((tag) => [...tag]), content, sig };
}
