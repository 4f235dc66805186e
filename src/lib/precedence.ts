import type { Clock } from './clock.ts';

export interface PrecedenceOptions {
  /** Milliseconds for which urgent work goes first. What takes longer mostly waits for others itself. */
  readonly protects: number;
  /** Milliseconds after its end in which more of it may come: a push is several requests. */
  readonly lingers: number;
  /** Milliseconds for which other work waits at most. */
  readonly patience: number;
  readonly clock: Clock;
}

/** How often work that waits looks, in milliseconds. */
const LOOK_EVERY = 10;

/** Delays less urgent work for a moment while urgent work has just begun. */
export class Precedence {
  private readonly options: PrecedenceOptions;
  private readonly begun = new Set<{ readonly at: number }>();
  private endedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PrecedenceOptions) {
    this.options = options;
  }

  /** Tells that urgent work begins. @returns tells that it has ended; a second call has no effect */
  begin(): () => void {
    const work = { at: this.options.clock.monotonic() };
    this.begun.add(work);
    return () => {
      if (this.begun.delete(work)) this.endedAt = this.options.clock.monotonic();
    };
  }

  /** Waits while urgent work goes first. */
  async standBack(): Promise<void> {
    const { clock, patience } = this.options;
    const until = clock.monotonic() + patience;
    while (this.isUrgent() && clock.monotonic() < until) await clock.sleep(LOOK_EVERY);
  }

  private isUrgent(): boolean {
    const { clock, protects, lingers } = this.options;
    const now = clock.monotonic();
    if (now - this.endedAt < lingers) return true;
    const since = now - protects;
    for (const { at } of this.begun) if (at > since) return true;
    return false;
  }
}
