/**
 * What is still to be sent to one client, in order. Stored events are read only when the client is ready for them: a client
 * that asks for much and reads slowly costs references, not copies.
 */
import { encodeEvent, type NostrEvent } from '../../nostr/event.ts';
import { type Filter, matcherOf } from '../../nostr/filter.ts';
import { eventMessage } from '../../nostr/relay-message.ts';
import type { KeptEvent } from '../events.ts';
import type { Subscription, Subscriptions } from './subscriptions.ts';

/** An event on its way to any number of clients; its JSON is made once. */
export class Outgoing implements KeptEvent {
  readonly event: NostrEvent;
  private encoded: string | undefined;
  private matcher: ((filter: Filter) => boolean) | undefined;

  constructor(event: NostrEvent) {
    this.event = event;
  }

  /** Whether a filter asks for it. */
  readonly isAskedFor = (filter: Filter): boolean => {
    this.matcher ??= matcherOf(this.event);
    return this.matcher(filter);
  };

  get json(): string {
    this.encoded ??= encodeEvent(this.event);
    return this.encoded;
  }
}

/** What belongs to a subscription is dropped when that has ended by the time it would be sent. */
type Entry =
  | string
  | { readonly subscription: Subscription; readonly outgoing: KeptEvent; readonly bytes: number }
  | { readonly subscription: Subscription; readonly text: string };

export class Outbox {
  private readonly send: (text: string) => boolean;
  private readonly subscriptions: Subscriptions;
  private entries: (Entry | undefined)[] = [];
  private next = 0;
  private ready = true;
  private held = 0;
  /** New events of subscriptions whose stored ones are still looked for, and how many these are. */
  private readonly behind = new Map<Subscription, Entry[]>();
  private behindCount = 0;

  /** @param send returns false when it wants no more before {@link resume} is called; what it was given is sent all the same */
  constructor(send: (text: string) => boolean, subscriptions: Subscriptions) {
    this.send = send;
    this.subscriptions = subscriptions;
  }

  /** Entries that wait for the client. */
  get length(): number {
    return this.entries.length - this.next;
  }

  /** Entries that wait for answers which are still worked on. */
  get waiting(): number {
    return this.behindCount;
  }

  /** Bytes of new events that wait for the client; stored ones are not in memory. */
  get bytes(): number {
    return this.held;
  }

  /** Sends something for the connection itself. */
  say(text: string): void {
    this.push(text);
  }

  /** New events of a subscription wait from now on until its stored ones are known: see {@link answer}. */
  begin(subscription: Subscription): void {
    this.behind.set(subscription, []);
  }

  /** Sends the stored events of a subscription, which are read when their turn has come, then what tells their end. */
  answer(subscription: Subscription, stored: readonly KeptEvent[], end: string): void {
    const waiting = this.takeBehind(subscription);
    for (const outgoing of stored) this.push({ subscription, outgoing, bytes: 0 });
    this.push({ subscription, text: end });
    for (const entry of waiting) this.push(entry);
  }

  /** The stored events of a subscription are wanted no more, and neither are those that waited for them. */
  drop(subscription: Subscription): void {
    for (const entry of this.takeBehind(subscription)) this.release(entry);
  }

  /** Sends a new event, which is held in memory until then. */
  deliverNew(subscription: Subscription, outgoing: Outgoing): void {
    const bytes = outgoing.json.length;
    this.held += bytes;
    const entry = { subscription, outgoing, bytes };
    const behind = this.behind.get(subscription);
    if (behind === undefined) {
      this.push(entry);
      return;
    }
    behind.push(entry);
    this.behindCount++;
  }

  /** The client has read. */
  resume(): void {
    this.ready = true;
    this.pump();
  }

  clear(): void {
    this.entries = [];
    this.next = 0;
    this.behind.clear();
    this.behindCount = 0;
    this.held = 0;
  }

  private takeBehind(subscription: Subscription): readonly Entry[] {
    const entries = this.behind.get(subscription) ?? [];
    this.behind.delete(subscription);
    this.behindCount -= entries.length;
    return entries;
  }

  private release(entry: Entry): void {
    if (typeof entry !== 'string' && 'outgoing' in entry) this.held -= entry.bytes;
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
      // What has been sent holds on to its text no longer.
      this.entries[this.next++] = undefined;
      const text = this.textOf(entry);
      if (text !== undefined) this.ready = this.send(text);
    }
    // Every entry is moved once for each time it was in front of as many that had been sent: a cost that does not grow.
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
    const { json } = entry.outgoing;
    return json === undefined ? undefined : eventMessage(subscription.id, json);
  }
}
