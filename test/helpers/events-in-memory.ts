import type { Cooperative } from '../../src/lib/cooperative.ts';
import { addressOf, formatAddress } from '../../src/nostr/address.ts';
import { parseDeletion } from '../../src/nostr/deletion.ts';
import { encodeEvent, type NostrEvent, type VerifiedEvent } from '../../src/nostr/event.ts';
import { newestFirst } from '../../src/nostr/event-order.ts';
import { isExpired } from '../../src/nostr/expiration.ts';
import { type Filter, matches } from '../../src/nostr/filter.ts';
import { kinds } from '../../src/nostr/kinds.ts';
import { firstValue } from '../../src/nostr/tags.ts';
import type { Events, KeptEvent, ListedEvent, QueryOptions, Stored } from '../../src/relay/events.ts';
import { deletes, replaces } from './event-rules.ts';

type Listener = Parameters<Events['onEvent']>[0];

const REFERENCES = new Set(['e', 'E', 'q', 'a', 'A']);

/**
 * The events of one server without a store: every question is answered by looking at all of them. Two of them tied with
 * {@link EventsInMemory.follow} behave like two servers over one bucket.
 */
export class EventsInMemory implements Events {
  private readonly kept = new Map<string, { readonly event: NostrEvent; hidden: boolean }>();
  /** The events at each address, and the deletions: what a new event has to be held against. */
  private readonly addressed = new Map<string, Set<NostrEvent>>();
  private readonly deletions = new Set<NostrEvent>();
  private readonly listeners = new Set<Listener>();
  private readonly followers = new Set<EventsInMemory>();
  /** When set, nothing can be appended: this is thrown. */
  failure: Error | undefined;

  /** What `other` appends is known here too, as from elsewhere, and the other way round. */
  follow(other: EventsInMemory): void {
    this.followers.add(other);
    other.followers.add(this);
  }

  /** Everything kept, for assertions. */
  get all(): NostrEvent[] {
    return [...this.kept.values()].map(({ event }) => event).sort(newestFirst);
  }

  /** Drops an event without a word, as one that has been hidden for too long. */
  drop(id: string): void {
    const event = this.kept.get(id)?.event;
    if (event === undefined) return;
    this.kept.delete(id);
    this.rivals(event).delete(event);
  }

  get(id: string): NostrEvent | undefined {
    return this.kept.get(id)?.event;
  }

  isHidden(id: string): boolean {
    return this.kept.get(id)?.hidden === true;
  }

  hiddenEvents(): NostrEvent[] {
    return this.all.filter(({ id }) => this.isHidden(id));
  }

  latest(kind: number, author: string, identifier: string): NostrEvent | undefined {
    const wanted = formatAddress({ kind, pubkey: author, identifier });
    return [...(this.addressed.get(wanted) ?? [])].sort(newestFirst)[0];
  }

  announcements(identifier: string): readonly NostrEvent[] {
    return this.all.filter(
      (event) => event.kind === kinds.repository && firstValue(event, 'd') === identifier,
    );
  }

  query(filters: readonly Filter[], options: QueryOptions): NostrEvent[] {
    const found = new Map<string, NostrEvent>();
    for (const filter of filters) {
      const limit = Math.min(filter.limit ?? options.limit, options.limit);
      for (const event of this.matching(filter, options).slice(0, limit)) found.set(event.id, event);
    }
    return [...found.values()].sort(newestFirst).slice(0, options.limit);
  }

  querying(filters: readonly Filter[], options: QueryOptions): Cooperative<NostrEvent[]> {
    return inOneStep(() => this.query(filters, options));
  }

  finding(filters: readonly Filter[], options: QueryOptions): Cooperative<KeptEvent[]> {
    const found = (event: NostrEvent) => ({
      event,
      get json() {
        return encodeEvent(event);
      },
    });
    return inOneStep(() => this.query(filters, options).map(found));
  }

  counting(filters: readonly Filter[], options: Omit<QueryOptions, 'limit'>): Cooperative<number> {
    const matching = () =>
      filters.flatMap((filter) => this.matching(filter, options).map((event) => event.id));
    return inOneStep(() => new Set(matching()).size);
  }

  listing(filter: Filter, { limit, now }: Pick<QueryOptions, 'limit' | 'now'>): Cooperative<ListedEvent[]> {
    const all = { now, visible: () => true };
    return inOneStep(() =>
      this.matching(filter, all)
        .slice(0, limit)
        .map(({ id, kind, created_at: at }) => ({ id, kind, at })),
    );
  }

  isReferredTo(idOrAddress: string): boolean {
    return this.all.some((event) =>
      event.tags.some(([name = '', value]) => REFERENCES.has(name) && value === idOrAddress),
    );
  }

  judge(event: NostrEvent): Stored {
    if (this.kept.has(event.id)) return 'duplicate';
    for (const other of this.deletions) {
      const deletion = parseDeletion(other);
      if (deletion.ok && deletes(deletion.value, event)) return 'deleted';
    }
    return [...this.rivals(event)].some((other) => replaces(other, event)) ? 'superseded' : 'stored';
  }

  async append(
    events: readonly VerifiedEvent[],
    options: { readonly hidden?: boolean } = {},
  ): Promise<readonly Stored[]> {
    if (this.failure !== undefined) throw this.failure;
    const hidden = options.hidden === true;
    return events.map((event) => {
      const stored = this.take(event, hidden, false);
      if (stored === 'stored') for (const follower of this.followers) follower.take(event, hidden, true);
      return stored;
    });
  }

  onEvent(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private matching(filter: Filter, options: Omit<QueryOptions, 'limit'>): NostrEvent[] {
    return this.all.filter(
      (event) =>
        !this.isHidden(event.id) &&
        matches(filter, event) &&
        !isExpired(event, options.now) &&
        options.visible(event),
    );
  }

  private take(event: NostrEvent, hidden: boolean, elsewhere: boolean): Stored {
    const known = this.kept.get(event.id);
    const judged = known?.hidden === true && !hidden ? 'stored' : this.judge(event);
    if (judged !== 'stored') return judged;
    const rivals = this.rivals(event);
    this.kept.set(event.id, { event, hidden });
    for (const other of [...rivals]) if (replaces(event, other)) this.drop(other.id);
    this.rivals(event).add(event);
    const deletion = event.kind === kinds.deletion ? parseDeletion(event) : undefined;
    if (deletion?.ok === true) {
      this.deletions.add(event);
      for (const { event: other } of [...this.kept.values()]) {
        if (deletes(deletion.value, other)) this.drop(other.id);
      }
    }
    for (const listener of this.listeners) listener(event, { hidden, elsewhere });
    return 'stored';
  }

  /** The events at the address of one; none for kinds that have no address. */
  private rivals(event: NostrEvent): Set<NostrEvent> {
    const address = addressOf(event);
    if (address === undefined) return new Set();
    const name = formatAddress(address);
    const found = this.addressed.get(name) ?? new Set();
    this.addressed.set(name, found);
    return found;
  }
}

function* inOneStep<T>(find: () => T): Cooperative<T> {
  yield;
  return find();
}
