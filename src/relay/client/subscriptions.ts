/** What one connection listens to. */
import type { NostrEvent } from '../../nostr/event.ts';
import { type Filter, matches } from '../../nostr/filter.ts';

/** One REQ. Two with the same id are different ones: the later has taken the place of the earlier. */
export interface Subscription {
  readonly id: string;
  readonly filters: readonly Filter[];
}

export class Subscriptions {
  private readonly open = new Map<string, Subscription>();
  private readonly most: number;

  /** @param most how many may be open at once */
  constructor(most: number) {
    this.most = most;
  }

  /**
   * Opens a subscription, in place of the one of the same id if there is one (NIP-01).
   * @returns undefined when there are too many
   */
  add(id: string, filters: readonly Filter[]): Subscription | undefined {
    if (!this.open.has(id) && this.open.size >= this.most) return undefined;
    const subscription = { id, filters };
    this.open.set(id, subscription);
    return subscription;
  }

  remove(id: string): void {
    this.open.delete(id);
  }

  clear(): void {
    this.open.clear();
  }

  /** False once it was closed or replaced: nothing more is sent for it. */
  isOpen(subscription: Subscription): boolean {
    return this.open.get(subscription.id) === subscription;
  }

  /** The subscriptions that ask for this event. */
  matching(event: NostrEvent): Subscription[] {
    return [...this.open.values()].filter(({ filters }) => filters.some((filter) => matches(filter, event)));
  }
}
