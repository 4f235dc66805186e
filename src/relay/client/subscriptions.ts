/** The subscriptions of one connection. */
import type { Filter } from '../../nostr/filter.ts';

/** One REQ. A later one with the same id replaces it, and is another object. */
export interface Subscription {
  readonly id: string;
  readonly filters: readonly Filter[];
  /** What it counts against the limits: see {@link Subscriptions.add}. */
  readonly bytes: number;
}

/** What all connections of one address subscribe to. */
export interface Listening {
  bytes: number;
}

export interface SubscriptionLimits {
  readonly subscriptions: number;
  /** Of a connection, and of all connections from one address. */
  readonly bytes: number;
  readonly bytesOfAddress: number;
}

/** What a filter counts in addition to its text: each new event is compared with it. */
const BYTES_OF_FILTER = 256;

export class Subscriptions {
  private readonly open = new Map<string, Subscription>();
  private readonly limits: SubscriptionLimits;
  private readonly listening: Listening;
  private bytes = 0;

  /** @param listening shared by all connections of an address */
  constructor(limits: SubscriptionLimits, listening: Listening) {
    this.limits = limits;
    this.listening = listening;
  }

  /**
   * Opens a subscription. It replaces the one with the same id (NIP-01), which ends even if the new one is refused.
   * @param length bytes of the message that asks for it: its filters stay in memory while it is open
   * @returns the subscription; or, if there are too many or their filters are too long, a text that says so
   */
  add(id: string, filters: readonly Filter[], length: number): Subscription | string {
    const { limits, listening } = this;
    this.remove(id);
    if (this.open.size >= limits.subscriptions) return `${limits.subscriptions} subscriptions are open`;
    const bytes = length + BYTES_OF_FILTER * filters.length;
    if (this.bytes + bytes > limits.bytes) return 'the filters of your open subscriptions are too long';
    if (listening.bytes + bytes > limits.bytesOfAddress) {
      return 'the filters of all open subscriptions from your address are too long';
    }
    const subscription = { id, filters, bytes };
    this.open.set(id, subscription);
    this.bytes += bytes;
    listening.bytes += bytes;
    return subscription;
  }

  remove(id: string): void {
    const bytes = this.open.get(id)?.bytes ?? 0;
    this.open.delete(id);
    this.bytes -= bytes;
    this.listening.bytes -= bytes;
  }

  clear(): void {
    for (const id of [...this.open.keys()]) this.remove(id);
  }

  /** False after it was closed or replaced: nothing more is sent for it. */
  isOpen(subscription: Subscription): boolean {
    return this.open.get(subscription.id) === subscription;
  }

  /** The subscriptions that ask for an event. @param isAskedFor see {@link matcherOf} */
  matching(isAskedFor: (filter: Filter) => boolean): Subscription[] {
    return [...this.open.values()].filter(({ filters }) => filters.some(isAskedFor));
  }
}
