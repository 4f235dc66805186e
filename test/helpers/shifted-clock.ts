import { type Clock, systemClock } from '../../src/lib/clock.ts';

/** The real clock, but for days that a test lets pass at once. */
export class ShiftedClock implements Clock {
  private shift = 0;

  now(): number {
    return systemClock.now() + this.shift;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.shift;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(milliseconds, signal);
  }

  /** Lets time pass. @param days may be negative: a clock that is behind */
  advanceDays(days: number): void {
    this.shift += days * 86_400_000;
  }
}
