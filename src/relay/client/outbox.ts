/**
 * What is still to be sent to one client, in order. Stored events are read only when the client is ready for them: a client
 * that asks for much and reads slowly costs references, not copies.
 */
import { encodeEvent, type NostrEvent } from '../../nostr/event.ts';
import { eventMessage } from '../../nostr/relay-message.ts';
import type { KeptEvent } from '../events.ts';
import type { Subscription, Subscriptions } from './subscriptions.ts';

/** An event on its way to any number of clients; its JSON is made once. */
export class Outgoing implements KeptEvent {
  readonly event: NostrEvent;
  private encoded: string | undefined;

  constructor(event: NostrEvent) {
    this.event = event;
  }

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

  /** @param send returns false when it wants no more before {@link resume} is called; what it was given is sent all the same */
  constructor(send: (text: string) => boolean, subscriptions: Subscriptions) {
    this.send = send;
    this.subscriptions = subscriptions;
  }

  /** Entries that wait for the client. */
  get length(): number {
    return this.entries.length - this.next;
  }

  /** Bytes of new events that wait for the client; stored ones are not in memory. */
  get bytes(): number {
    return this.held;
  }

  /** Sends something for the connection itself. */
  say(text: string): void {
    this.push(text);
  }

  /** Sends something that only matters while the subscription is open. */
  sayOf(subscription: Subscription, text: string): void {
    this.push({ subscription, text });
  }

  /** Sends a stored event; it is read when its turn has come. */
  deliver(subscription: Subscription, outgoing: KeptEvent): void {
    this.push({ subscription, outgoing, bytes: 0 });
  }

  /** Sends a new event, which is held in memory until then. */
  deliverNew(subscription: Subscription, outgoing: Outgoing): void {
    const bytes = outgoing.json.length;
    this.held += bytes;
    this.push({ subscription, outgoing, bytes });
  }

  /** The client has read. */
  resume(): void {
    this.ready = true;
    this.pump();
  }

  clear(): void {
    this.entries = [];
    this.next = 0;
    this.held = 0;
  }

  private push(entry: Entry): void {
    this.entries.push(entry);
    this.pump();
  }

  private pump(): void {
    while (this.ready) {
      const entry = this.entries[this.next];
      if (entry === undefined) {
        this.clear();
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
    if (typeof entry === 'string') return entry;
    const { subscription } = entry;
    if ('outgoing' in entry) this.held -= entry.bytes;
    if (!this.subscriptions.isOpen(subscription)) return undefined;
    if ('text' in entry) return entry.text;
    const { json } = entry.outgoing;
    return json === undefined ? undefined : eventMessage(subscription.id, json);
  }
}
