import type { Clock } from '../../lib/clock.ts';
import { FairSlots } from '../../lib/fair-slots.ts';

/** A client that asks again at once, as scripts do, is to do so once in so many milliseconds. */
const PAUSE_MS = 1_000;
/** How many may wait at a time, and of one address. Others hear it at once: who waits takes one of the slots for requests. */
const PAUSING = 128;
const PAUSING_PER_ADDRESS = 8;

/** Pauses before somebody hears that there is nothing for them for some minutes. */
export class RefusalPauses {
  private readonly clock: Pick<Clock, 'sleep'>;
  private readonly slots = new FairSlots(PAUSING, PAUSING_PER_ADDRESS);

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.clock = clock;
  }

  /** Waits for a moment, unless too many do already. @throws the signal's reason when the client has gone */
  async wait(address: string, signal: AbortSignal): Promise<void> {
    const entry = this.slots.enter(address, { stalledFor: () => undefined, evict: () => undefined });
    if (!('leave' in entry)) return;
    try {
      await this.clock.sleep(PAUSE_MS, signal);
    } finally {
      entry.leave();
    }
  }
}
