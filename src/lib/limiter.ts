import { CairnError } from './errors.ts';

/** Gives a slot back; calling it twice is harmless. */
export type Release = () => void;

interface Waiter {
  admit(release: Release): void;
}

/** A bounded number of slots with a bounded queue. When the queue is full, callers get `busy` at once. */
export class Limiter {
  private readonly waiting: Waiter[] = [];
  private taken = 0;
  private readonly name: string;
  private readonly slots: number;
  private readonly queue: number;

  /** @param name what is limited, for the text of the error */
  constructor(name: string, slots: number, queue: number) {
    this.name = name;
    this.slots = slots;
    this.queue = queue;
  }

  get active(): number {
    return this.taken;
  }

  get queued(): number {
    return this.waiting.length;
  }

  /**
   * Waits for a slot, first come first served.
   * @returns the function that gives the slot back
   * @throws CairnError `busy` when the queue is full; the signal's reason when aborted while waiting
   */
  async acquire(signal?: AbortSignal): Promise<Release> {
    signal?.throwIfAborted();
    if (this.taken < this.slots) {
      this.taken++;
      return this.releaseOnce();
    }
    if (this.waiting.length >= this.queue) {
      throw new CairnError('busy', `too many ${this.name} at once, try again in a moment`);
    }
    return new Promise<Release>((resolve, reject) => {
      const waiter: Waiter = {
        admit: (release) => {
          signal?.removeEventListener('abort', leave);
          resolve(release);
        },
      };
      const leave = () => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.waiting.push(waiter);
    });
  }

  private releaseOnce(): Release {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = this.waiting.shift();
      if (next === undefined) this.taken--;
      else next.admit(this.releaseOnce());
    };
  }
}
