import type { Clock } from '../../src/lib/clock.ts';

/** A clock that stands still but for those who sleep: each sleep moves it forward at once. */
export class InstantClock implements Clock {
  /** Every sleep asked for, in milliseconds. */
  readonly slept: number[] = [];
  private elapsed = 0;
  private readonly epoch: number;

  /** @param epoch wall-clock milliseconds to begin with */
  constructor(epoch = Date.UTC(2030, 0, 1)) {
    this.epoch = epoch;
  }

  now(): number {
    return this.epoch + this.elapsed;
  }

  monotonic(): number {
    return this.elapsed;
  }

  /** Lets time pass. */
  advance(milliseconds: number): void {
    this.elapsed += milliseconds;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(milliseconds);
    this.advance(milliseconds);
  }
}
