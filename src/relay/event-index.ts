/**
 * Which of the events in the log stand, found by id, by address and by filter. Derived: it is built anew from the log at
 * every start. Whatever order events come in, the same ones stand in the end.
 */
import { addressOf, formatAddress } from '../nostr/address.ts';
import { type Deletion, deletes, parseDeletion } from '../nostr/deletion.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { newestFirst } from '../nostr/event-order.ts';
import { expirationOf } from '../nostr/expiration.ts';
import { type Filter, matches } from '../nostr/filter.ts';
import { kinds } from '../nostr/kinds.ts';
import { EventLists } from './event-lists.ts';
import type { EventReader, QueryOptions, Stored } from './events.ts';

/**
 * Seconds for which a hidden event is known. A repository waits 30 minutes for its first data; its announcement stays a
 * little longer, so that whoever withdraws the repository still finds it.
 */
export const HIDDEN_SECONDS = 35 * 60;

/** How an event is to be taken in. */
export interface Standing {
  readonly hidden: boolean;
  /** Seconds: when it was written to the log. */
  readonly at: number;
}

interface Entry {
  readonly event: NostrEvent;
  /** Seconds: since when it is hidden; undefined for a visible one. */
  readonly hiddenAt: number | undefined;
}

/**
 * The events at one address. A hidden one does not displace an older visible one, which is there to be seen until the
 * hidden one is shown, and if it never is.
 */
interface Slot {
  visible?: Entry;
  hidden?: Entry;
}

/** A place in the order of an address. */
type Watermark = Pick<NostrEvent, 'created_at' | 'id'>;

/** Before every id: what a request that names an address takes back are all events of its second. */
const FIRST_ID = '';

/** Tags by which an event refers to another. */
const references = new Set(['e', 'E', 'q', 'a', 'A']);

export class EventIndex implements EventReader {
  private readonly entries = new Map<string, Entry>();
  private readonly lists = new EventLists();
  private readonly slots = new Map<string, Slot>();
  /** Announcements, hidden or not: the slots of an identifier by author. */
  private readonly announced = new Map<string, Map<string, Slot>>();
  private readonly hidden = new Map<string, Entry>();
  /** Seconds by id, of events that expire. */
  private readonly expirations = new Map<string, number>();
  /** `<author>:<id>` of every event its author took back, here or not. */
  private readonly deletedIds = new Set<string>();
  /** By address: this event, or what would stand here, and all it would displace are deleted. */
  private readonly watermarks = new Map<string, Watermark>();

  /** Events that stand, hidden ones included. */
  get size(): number {
    return this.entries.size;
  }

  get(id: string): NostrEvent | undefined {
    return this.entries.get(id)?.event;
  }

  isHidden(id: string): boolean {
    return this.hidden.has(id);
  }

  latest(kind: number, author: string, identifier: string): NostrEvent | undefined {
    return newestIn(this.slots.get(formatAddress({ kind, pubkey: author, identifier })));
  }

  announcements(identifier: string): readonly NostrEvent[] {
    const slots = this.announced.get(identifier)?.values() ?? [];
    return [...slots].map(newestIn).filter((event) => event !== undefined);
  }

  query(filters: readonly Filter[], options: QueryOptions): NostrEvent[] {
    const found = new Map<string, NostrEvent>();
    for (const filter of filters) {
      let left = Math.min(filter.limit ?? options.limit, options.limit);
      if (left <= 0) continue;
      for (const event of this.shown(filter, options)) {
        found.set(event.id, event);
        if (--left === 0) break;
      }
    }
    return [...found.values()].sort(newestFirst).slice(0, options.limit);
  }

  count(filters: readonly Filter[], options: Omit<QueryOptions, 'limit'>): number {
    const [only] = filters;
    if (only !== undefined && filters.length === 1) {
      let count = 0;
      for (const _ of this.shown(only, options)) count++;
      return count;
    }
    const found = new Set<string>();
    for (const filter of filters) for (const { id } of this.shown(filter, options)) found.add(id);
    return found.size;
  }

  isReferredTo(idOrAddress: string): boolean {
    for (const letter of references) if (this.lists.hasTag(letter, idOrAddress)) return true;
    // Few at any time: announcements of repositories that wait.
    for (const { event } of this.hidden.values()) {
      const refers = ([name, value]: readonly string[]) =>
        value === idOrAddress && name !== undefined && references.has(name);
      if (event.tags.some(refers)) return true;
    }
    return false;
  }

  judge(event: NostrEvent, hidden = false): Stored {
    const known = this.entries.get(event.id);
    if (known !== undefined) return known.hiddenAt !== undefined && !hidden ? 'stored' : 'duplicate';
    if (this.isDeleted(event)) return 'deleted';
    const slot = this.slotOf(event);
    const rivals = hidden ? [slot?.visible, slot?.hidden] : [slot?.visible];
    const outdone = rivals.some((rival) => rival !== undefined && newestFirst(rival.event, event) < 0);
    return outdone ? 'superseded' : 'stored';
  }

  /** Takes in an event of the log, with all that follows for others. @returns what {@link judge} said of it */
  add(event: NostrEvent, standing: Standing): Stored {
    const verdict = this.judge(event, standing.hidden);
    if (verdict === 'deleted' && !standing.hidden) this.markDeleted(event);
    if (verdict !== 'stored') return verdict;
    const shown = this.entries.get(event.id);
    if (shown !== undefined) this.remove(shown);
    const entry: Entry = { event, hiddenAt: standing.hidden ? standing.at : undefined };
    this.displace(entry);
    this.entries.set(event.id, entry);
    if (standing.hidden) this.hidden.set(event.id, entry);
    else this.lists.add(event);
    const expiration = expirationOf(event);
    if (expiration !== undefined) this.expirations.set(event.id, expiration);
    if (event.kind === kinds.deletion && !standing.hidden) this.applyDeletion(event);
    return verdict;
  }

  /**
   * True for a deleted event that has to stay in the log: its author took it back by its id, and that no older one
   * comes to stand at its address again can be told by nothing else.
   */
  isWatermark(event: NostrEvent): boolean {
    const address = addressOf(event);
    return address !== undefined && this.watermarks.get(formatAddress(address))?.id === event.id;
  }

  /** Forgets what has expired, and what has been hidden for too long. @param now seconds */
  dropOutdated(now: number): void {
    for (const [id, expiration] of this.expirations) if (now >= expiration) this.removeId(id);
    for (const [id, { hiddenAt = 0 }] of this.hidden) {
      if (now - hiddenAt > HIDDEN_SECONDS) this.removeId(id);
    }
  }

  /** Visible events that match a filter, newest first. */
  private *shown(filter: Filter, options: Omit<QueryOptions, 'limit'>): Generator<NostrEvent> {
    for (const event of filter.ids === undefined ? this.lists.matching(filter) : this.named(filter)) {
      const expiration = this.expirations.get(event.id);
      if (expiration !== undefined && options.now >= expiration) continue;
      if (options.visible(event)) yield event;
    }
  }

  private named(filter: Filter): NostrEvent[] {
    return [...(filter.ids ?? [])]
      .map((id) => this.entries.get(id))
      .filter((entry) => entry !== undefined)
      .filter(({ event, hiddenAt }) => hiddenAt === undefined && matches(filter, event))
      .map(({ event }) => event)
      .sort(newestFirst);
  }

  /** Puts an entry in its slot, if its kind has any, and removes whom it outdoes there. */
  private displace(entry: Entry): void {
    const address = addressOf(entry.event);
    if (address === undefined) return;
    const key = formatAddress(address);
    const slot = this.slots.get(key) ?? {};
    const { visible, hidden } = slot;
    if (hidden !== undefined && newestFirst(entry.event, hidden.event) < 0) this.remove(hidden);
    if (visible !== undefined && entry.hiddenAt === undefined) this.remove(visible);
    if (entry.hiddenAt === undefined) slot.visible = entry;
    else slot.hidden = entry;
    this.slots.set(key, slot);
    if (address.kind !== kinds.repository) return;
    const authors = this.announced.get(address.identifier) ?? new Map<string, Slot>();
    this.announced.set(address.identifier, authors.set(address.pubkey, slot));
  }

  private removeId(id: string): void {
    const entry = this.entries.get(id);
    if (entry !== undefined) this.remove(entry);
  }

  private remove(entry: Entry): void {
    const { event } = entry;
    this.entries.delete(event.id);
    this.hidden.delete(event.id);
    this.expirations.delete(event.id);
    if (entry.hiddenAt === undefined) this.lists.remove(event);
    const address = addressOf(event);
    if (address === undefined) return;
    const key = formatAddress(address);
    const slot = this.slots.get(key);
    if (slot === undefined) return;
    if (slot.visible === entry) delete slot.visible;
    if (slot.hidden === entry) delete slot.hidden;
    if (slot.visible !== undefined || slot.hidden !== undefined) return;
    this.slots.delete(key);
    if (address.kind !== kinds.repository) return;
    const authors = this.announced.get(address.identifier);
    authors?.delete(address.pubkey);
    if (authors?.size === 0) this.announced.delete(address.identifier);
  }

  /** Takes away what a request names, and remembers the names: what it is about may come later (NIP-09). */
  private applyDeletion(request: NostrEvent): void {
    const parsed = parseDeletion(request);
    if (!parsed.ok) return;
    const deletion: Deletion = parsed.value;
    for (const id of deletion.events) {
      this.deletedIds.add(`${deletion.author}:${id}`);
      const entry = this.entries.get(id);
      if (entry === undefined || !deletes(deletion, entry.event)) continue;
      this.remove(entry);
      if (entry.hiddenAt === undefined) this.markDeleted(entry.event);
    }
    for (const address of deletion.addresses) this.mark(address, { created_at: deletion.at, id: FIRST_ID });
  }

  /** The newest at an address was taken back by its id: those it displaced do not come to stand instead. */
  private markDeleted(event: NostrEvent): void {
    const address = addressOf(event);
    if (address !== undefined) this.mark(formatAddress(address), event);
  }

  private mark(address: string, { created_at, id }: Watermark): void {
    const mark = { created_at, id };
    const known = this.watermarks.get(address);
    if (known !== undefined && newestFirst(known, mark) <= 0) return;
    this.watermarks.set(address, mark);
    const { visible, hidden } = this.slots.get(address) ?? {};
    for (const entry of [visible, hidden]) {
      if (entry !== undefined && newestFirst(mark, entry.event) <= 0) this.remove(entry);
    }
  }

  private isDeleted(event: NostrEvent): boolean {
    if (event.kind === kinds.deletion) return false;
    if (this.deletedIds.has(`${event.pubkey}:${event.id}`)) return true;
    const address = addressOf(event);
    if (address === undefined) return false;
    const mark = this.watermarks.get(formatAddress(address));
    return mark !== undefined && newestFirst(mark, event) <= 0;
  }

  private slotOf(event: NostrEvent): Slot | undefined {
    const address = addressOf(event);
    return address === undefined ? undefined : this.slots.get(formatAddress(address));
  }
}

function newestIn(slot: Slot | undefined): NostrEvent | undefined {
  const { visible, hidden } = slot ?? {};
  if (visible === undefined || hidden === undefined) return (visible ?? hidden)?.event;
  return newestFirst(visible.event, hidden.event) < 0 ? visible.event : hidden.event;
}
