import type { Clock } from './clock.ts';

export interface PrecedenceOptions {
  /** Milliseconds for which urgent work goes first. What takes longer mostly waits for others itself. */
  readonly protects: number;
  /** Milliseconds for which other work waits at most. */
  readonly patience: number;
  readonly clock: Clock;
}

/** How often work that waits looks, in milliseconds. */
const LOOK_EVERY = 10;

/** Lets work that can wait a moment stand back for urgent work that has just begun. */
export class Precedence {
  private readonly options: PrecedenceOptions;
  private readonly begun = new Set<{ readonly at: number }>();

  constructor(options: PrecedenceOptions) {
    this.options = options;
  }

  /** Tells that urgent work begins. @returns tells that it has ended; a second call has no effect */
  begin(): () => void {
    const work = { at: this.options.clock.monotonic() };
    this.begun.add(work);
    return () => void this.begun.delete(work);
  }

  /** Waits while urgent work goes first. */
  async standBack(): Promise<void> {
    const { clock, patience } = this.options;
    const until = clock.monotonic() + patience;
    while (this.isUrgent() && clock.monotonic() < until) await clock.sleep(LOOK_EVERY);
  }

  private isUrgent(): boolean {
    const { clock, protects } = this.options;
    const since = clock.monotonic() - protects;
    for (const { at } of this.begun) if (at > since) return true;
    return false;
  }
}
