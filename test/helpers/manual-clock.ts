import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/lib/clock.ts';

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** Sleeps up to this long end at once: they are pauses between two tries, which no test waits for. */
const SHORT_MS = 1_000;
/** Turns of the event loop in which whoever was woken does its work, as far as nothing else is waited for. */
const TURNS = 50;

/** A clock that stands still until a test moves it. Sleepers wake when their time has come. */
export class ManualClock implements Clock {
  private elapsed = 0;
  private epoch: number;
  private readonly sleepers = new Set<Sleeper>();

  /** @param epoch wall-clock milliseconds to begin with */
  constructor(epoch = Date.UTC(2030, 0, 1)) {
    this.epoch = epoch;
  }

  now(): number {
    return this.epoch + this.elapsed;
  }

  /** Whole seconds on the wall. */
  get seconds(): number {
    return Math.floor(this.now() / 1000);
  }

  monotonic(): number {
    return this.elapsed;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (milliseconds < SHORT_MS) {
      await nextTurn();
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const sleeper = {
        at: this.elapsed + milliseconds,
        wake: () => {
          signal?.removeEventListener('abort', stop);
          resolve();
        },
      };
      this.sleepers.add(sleeper);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  /** Sets the clock on the wall, forward or back. No time passes. */
  set(seconds: number): void {
    this.epoch += seconds * 1000;
  }

  /** Lets time pass, and those who wake on the way do their work. */
  async advance(seconds: number): Promise<void> {
    const end = this.elapsed + seconds * 1000;
    for (;;) {
      await this.settle();
      const next = [...this.sleepers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.elapsed = Math.max(this.elapsed, next.at);
      this.sleepers.delete(next);
      next.wake();
    }
    this.elapsed = end;
    await this.settle();
  }

  /** Lets everybody work who needs no time for it. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await nextTurn();
  }
}
