import { CairnError } from '../../lib/errors.ts';
import { FairSlots, type SlotHolder } from '../../lib/fair-slots.ts';
import type { Release } from '../../lib/limiter.ts';
import type { Limit } from '../clients/connections.ts';

export interface RequestLimits {
  readonly all: number;
  readonly perAddress: number;
}

/**
 * Slots for running requests, shared by network address. At its limit, an address waits until one of its requests ends.
 * If all slots are taken, one request of the address with the most is ended: the one that has waited longest for its client.
 */
export class RequestSlots {
  private readonly limits: RequestLimits;
  private readonly slots: FairSlots;
  private readonly waiting = new Map<string, (() => void)[]>();
  private readonly onRefused: (limit: Limit) => void;

  constructor(limits: RequestLimits, onRefused: (limit: Limit) => void) {
    this.limits = limits;
    this.slots = new FairSlots(limits.all, limits.perAddress);
    this.onRefused = onRefused;
  }

  /**
   * Waits for a slot.
   * @returns the function that gives it back; a second call has no effect
   * @throws CairnError `busy`; the signal's reason if the client has gone meanwhile
   */
  async enter(address: string, holder: SlotHolder, signal: AbortSignal): Promise<Release> {
    for (;;) {
      signal.throwIfAborted();
      const entry = this.slots.enter(address, holder);
      if ('leave' in entry) return () => this.leave(address, entry.leave);
      if (entry.refused === 'all') {
        this.onRefused('requests');
        throw new CairnError('busy', 'too many requests at once, try again in a moment');
      }
      await this.turn(address, signal);
    }
  }

  private leave(address: string, give: Release): void {
    give();
    this.waiting.get(address)?.[0]?.();
  }

  private turn(address: string, signal: AbortSignal): Promise<void> {
    const line = this.waiting.get(address) ?? [];
    if (line.length >= this.limits.perAddress) {
      this.onRefused('address-requests');
      throw new CairnError('busy', 'too many requests from your address at once, try again in a moment');
    }
    this.waiting.set(address, line);
    return new Promise((resolve) => {
      const go = () => {
        signal.removeEventListener('abort', go);
        line.splice(line.indexOf(go), 1);
        if (line.length === 0) this.waiting.delete(address);
        resolve();
      };
      line.push(go);
      signal.addEventListener('abort', go, { once: true });
    });
  }
}
