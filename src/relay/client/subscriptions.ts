/** What one connection listens to. */
import type { Filter } from '../../nostr/filter.ts';

/** One REQ. Two with the same id are different ones: the later has taken the place of the earlier. */
export interface Subscription {
  readonly id: string;
  readonly filters: readonly Filter[];
  /** What it costs: see {@link Subscriptions.add}. */
  readonly bytes: number;
}

/** What all connections of one address listen to. */
export interface Listening {
  bytes: number;
}

export interface SubscriptionLimits {
  readonly subscriptions: number;
  /** Of a connection, and of all connections from one address. */
  readonly bytes: number;
  readonly bytesOfAddress: number;
}

/** What a filter costs besides its text: each new event is held against it. */
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
   * Opens a subscription, in place of the one of the same id if there is one (NIP-01), which ends in any case.
   * @param length bytes of the message that asks for it: what its filters hold is in memory as long as it is open
   * @returns why it cannot be opened, for a person to read, when there are too many, or they hold too much
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

  /** False once it was closed or replaced: nothing more is sent for it. */
  isOpen(subscription: Subscription): boolean {
    return this.open.get(subscription.id) === subscription;
  }

  /** The subscriptions that ask for an event. @param isAskedFor see {@link matcherOf} */
  matching(isAskedFor: (filter: Filter) => boolean): Subscription[] {
    return [...this.open.values()].filter(({ filters }) => filters.some(isAskedFor));
  }
}
