/**
 * Orders that wait for the push that brings their objects (GRASP-01), and the tips that pull requests name: what a push
 * without credentials is measured by.
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
import { repositoriesNamed, type Words } from '../words.ts';

/** Seconds an order waits. */
export const HELD_SECONDS = 30 * 60;
/** Orders that wait for one repository at most; the newest stay. Of each key only the newest waits. */
export const MAX_HELD = 16;

/** An order that waits. */
export interface WaitingState extends HeldState {
  /** The branch HEAD shall name. */
  readonly head?: string;
}

/** What became of an order that is to wait, or what waits already of the same author, when that is what counts of the two. */
export type Held = 'held' | { readonly outdatedBy: StateStamp };

export interface HeldStatesContext extends HeldRecordContext {
  readonly events: EventReader;
  readonly signedEvents: SignedEvents;
  readonly verifier: Verifier;
  readonly words: Pick<Words, 'accepts' | 'crowdedWriters' | 'hasAnnounced'>;
  readonly log: Logger;
}

export class HeldStates {
  private readonly context: HeldStatesContext;

  constructor(context: HeldStatesContext) {
    this.context = context;
  }

  /**
   * Every order that waits for a repository: one request, and one more for each maintainer whose orders wait with the key
   * (see {@link holdForAuthor}). What has waited too long, what its author has deleted since, and what does not count here
   * any more waits no more.
   * @throws CairnError `unavailable` when the store does not answer; `corrupt` when the record cannot be read
   */
  async waiting(id: RepositoryId): Promise<readonly WaitingState[]> {
    const { words } = this.context;
    await this.takeFromAuthors(id, words.crowdedWriters(id.owner, id.identifier));
    return (await this.entries(id))
      .filter(({ event }) => words.accepts(event.pubkey, id.owner, id.identifier))
      .flatMap((entry) => this.parse(entry, id) ?? []);
  }

  /**
   * Lets an order wait. It is stored in the repository as well, for the manifest of the push that carries it out.
   * @returns what waits already of the same author, when that is what counts of the two
   * @throws CairnError `unavailable` or `busy` when the store does not take it
   */
  async hold(id: RepositoryId, event: VerifiedEvent): Promise<Held> {
    await this.context.signedEvents.store(id, event);
    return this.put(id, event);
  }

  /**
   * Lets an order wait in one place for all repositories that name its author. To be used when there are more than can be
   * gone through, so that strangers who name a key neither make work nor keep it out of the repository it is meant for.
   * @throws CairnError `unavailable` or `busy` when the store does not take it
   */
  holdForAuthor(identifier: string, event: VerifiedEvent): Promise<Held> {
    return this.put(repositoryId(event.pubkey, identifier), event);
  }

  private async put(id: RepositoryId, event: VerifiedEvent): Promise<Held> {
    let outdatedBy: StateStamp | undefined;
    await updateRecord(heldRecord(this.context, id), (current) => {
      const orders = this.fresh(current?.orders ?? []);
      const stamp = stampOf(event);
      const mine = orders.find((entry) => entry.event.pubkey === event.pubkey);
      const waits = mine === undefined ? undefined : stampOf(mine.event);
      outdatedBy = waits !== undefined && isNewerState(waits, stamp) ? waits : undefined;
      if (outdatedBy !== undefined || mine?.event.id === event.id) return undefined;
      const others = orders.filter((entry) => entry !== mine);
      return { orders: newest([...others, { event: copyOf(event), heldAt: this.now() }]) };
    });
    return outdatedBy === undefined ? 'held' : { outdatedBy };
  }

  /**
   * Takes orders out, because their author has deleted them.
   * @throws CairnError `unavailable` or `busy` when the store does not take it
   */
  async remove(id: RepositoryId, eventIds: ReadonlySet<string>): Promise<void> {
    await this.keep(id, ({ event }) => !eventIds.has(event.id));
  }

  /** An order has been carried out: it and those it overtook wait no more. Never rejects. */
  async carriedOut(id: RepositoryId, order: StateStamp): Promise<void> {
    try {
      await this.keep(id, ({ event }) => isNewerState(stampOf(event), order));
    } catch (error) {
      // It stays where it is and does no harm: it is no newer than what the manifest names, so no push may carry it out.
      this.context.log.warn(
        { err: error, repository: formatRepositoryId(id) },
        'an order is carried out and still held',
      );
    }
  }

  /**
   * The branches and tags that an order set which a manifest of the repository names.
   * @throws CairnError `unavailable` when the store does not answer; `corrupt` when it has no such order
   */
  async refsOf(id: RepositoryId, order: Pick<StateStamp, 'id'>): Promise<ReadonlyMap<string, string>> {
    const { events, signedEvents } = this.context;
    const event = events.get(order.id) ?? (await signedEvents.load(id, order.id));
    const parsed = parseSignedState(event, refNameProblem);
    return parsed.ok ? parsed.value.refs : new Map();
  }

  /**
   * The tip that the pull request with this event id names; undefined while no such event is here, null when it is here and
   * is no pull request that names one.
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
      const orders = this.fresh(current.orders).filter(stays);
      return orders.length === current.orders.length ? undefined : { orders };
    });
  }

  private fresh(entries: readonly HeldEntry[]): HeldEntry[] {
    const { events } = this.context;
    const since = this.now() - HELD_SECONDS;
    return entries.filter((entry) => entry.heldAt > since && events.judge(entry.event) !== 'deleted');
  }

  /** What the record holds has been checked before it got there; the check is cheap, and a push will rest on it. */
  private parse({ event }: HeldEntry, { owner, identifier }: RepositoryId): WaitingState | undefined {
    const { verifier, words } = this.context;
    if (!verifier.verify(event)) return undefined;
    const state = parseSignedState(event, refNameProblem);
    if (!state.ok) return undefined;
    // Of an author who has said nothing of this repository, the state may be meant for another one.
    const isOwn = event.pubkey === owner || words.hasAnnounced(event.pubkey, identifier);
    return { ...state.value, ...(isOwn || repositoriesNamed(event).length > 0 ? {} : { guarded: true }) };
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
  return [...entries].sort((a, b) => b.event.created_at - a.event.created_at).slice(0, MAX_HELD);
}

function copyOf(event: NostrEvent): HeldEntry['event'] {
  const { id, pubkey, created_at, kind, tags, content, sig } = event;
  return { id, pubkey, created_at, kind, tags: tags.map((tag) => [...tag]), content, sig };
}
