/**
 * What is still to be sent to one client, in sequence. Stored events are read only when the client is ready for them: a slow
 * client that asks for much costs references, not copies.
 */
import { encodeEvent, type NostrEvent } from '../../nostr/event.ts';
import { type Filter, matcherOf } from '../../nostr/filter.ts';
import { eventMessage } from '../../nostr/relay-message.ts';
import type { KeptEvent } from '../events.ts';
import type { Subscription, Subscriptions } from './subscriptions.ts';
import type { Visibility } from './visibility.ts';

/** A new event on its way to any number of clients; its JSON is made once. */
export class Outgoing implements KeptEvent {
  readonly event: NostrEvent;
  private encoded: string | undefined;
  private matcher: ((filter: Filter) => boolean) | undefined;

  constructor(event: NostrEvent) {
    this.event = event;
  }

  /** True when a filter asks for it. */
  readonly isAskedFor = (filter: Filter): boolean => {
    this.matcher ??= matcherOf(this.event);
    return this.matcher(filter);
  };

  get json(): string {
    this.encoded ??= encodeEvent(this.event);
    return this.encoded;
  }
}

/**
 * An entry of a subscription is dropped if, by the time it would be sent, the subscription has ended or the event has been hidden.
 * `seenAt` is the number of hidings when the event was found visible.
 */
type Entry =
  | string
  | {
      readonly subscription: Subscription;
      readonly outgoing: KeptEvent;
      readonly bytes: number;
      readonly seenAt: number;
    }
  | { readonly subscription: Subscription; readonly text: string };

export class Outbox {
  private readonly send: (text: string) => boolean;
  private readonly subscriptions: Subscriptions;
  private readonly visibility: Visibility;
  private entries: (Entry | undefined)[] = [];
  private next = 0;
  private ready = true;
  private newBytes = 0;
  /** New events of subscriptions whose stored events are not found yet, and the number of these. */
  private readonly behind = new Map<Subscription, Entry[]>();
  private behindCount = 0;

  /** @param send returns false to be called no more until {@link resume}; it still sends the text it was given */
  constructor(send: (text: string) => boolean, subscriptions: Subscriptions, visibility: Visibility) {
    this.send = send;
    this.subscriptions = subscriptions;
    this.visibility = visibility;
  }

  /** How many entries wait for the client. */
  get length(): number {
    return this.entries.length - this.next;
  }

  /** How many new events wait behind answers that are not ready. */
  get waiting(): number {
    return this.behindCount;
  }

  /** Bytes of new events that wait for the client; stored events are not in memory. */
  get bytes(): number {
    return this.newBytes;
  }

  /** Sends a message that belongs to no subscription. */
  say(text: string): void {
    this.push(text);
  }

  /** From now on new events of a subscription wait until {@link answer} gives its stored ones. */
  begin(subscription: Subscription): void {
    this.behind.set(subscription, []);
  }

  /**
   * Sends the stored events of a subscription, each read when its turn comes, then the message that tells their end.
   * @param seenAt the number of hidings when the search for them began
   */
  answer(subscription: Subscription, stored: readonly KeptEvent[], end: string, seenAt: number): void {
    for (const outgoing of stored) this.push({ subscription, outgoing, bytes: 0, seenAt });
    this.push({ subscription, text: end });
    // Last: if a stored event cannot be read, these still wait, and are dropped.
    for (const entry of this.takeBehind(subscription)) this.push(entry);
  }

  /** Drops waiting stored events of a subscription that has ended. */
  drop(subscription: Subscription): void {
    for (const entry of this.takeBehind(subscription)) this.release(entry);
  }

  /** Sends a new event, which is visible now; until then it stays in memory. */
  deliverNew(subscription: Subscription, outgoing: Outgoing): void {
    const bytes = outgoing.json.length;
    this.newBytes += bytes;
    const entry = { subscription, outgoing, bytes, seenAt: this.visibility.hidings() };
    const behind = this.behind.get(subscription);
    if (behind === undefined) {
      this.push(entry);
      return;
    }
    behind.push(entry);
    this.behindCount++;
  }

  /** Call it when the client has read. */
  resume(): void {
    this.ready = true;
    this.pump();
  }

  clear(): void {
    this.entries = [];
    this.next = 0;
    this.behind.clear();
    this.behindCount = 0;
    this.newBytes = 0;
  }

  private takeBehind(subscription: Subscription): readonly Entry[] {
    const entries = this.behind.get(subscription) ?? [];
    this.behind.delete(subscription);
    this.behindCount -= entries.length;
    return entries;
  }

  private release(entry: Entry): void {
    if (typeof entry !== 'string' && 'outgoing' in entry) this.newBytes -= entry.bytes;
  }

  private push(entry: Entry): void {
    this.entries.push(entry);
    this.pump();
  }

  private pump(): void {
    while (this.ready) {
      const entry = this.entries[this.next];
      if (entry === undefined) {
        this.entries = [];
        this.next = 0;
        return;
      }
      // Frees the text of what has been sent.
      this.entries[this.next++] = undefined;
      const text = this.textOf(entry);
      if (text !== undefined) this.ready = this.send(text);
    }
    // Removes sent entries once they are more than half: the cost for each entry stays constant.
    if (this.next > 1_000 && this.next * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.next);
      this.next = 0;
    }
  }

  private textOf(entry: Entry): string | undefined {
    this.release(entry);
    if (typeof entry === 'string') return entry;
    const { subscription } = entry;
    if (!this.subscriptions.isOpen(subscription)) return undefined;
    if ('text' in entry) return entry.text;
    const { outgoing, seenAt } = entry;
    const { json } = outgoing;
    if (json === undefined || !this.isStillSeen(outgoing, seenAt)) return undefined;
    return eventMessage(subscription.id, json);
  }

  /** It may have been hidden since it was found: a long search and a slow client take their time. */
  private isStillSeen(outgoing: KeptEvent, seenAt: number): boolean {
    if (this.visibility.hidings() === seenAt) return true;
    const { event } = outgoing;
    return event !== undefined && this.visibility.visible(event);
  }
}
