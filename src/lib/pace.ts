/** The least that a client has to send or take. */
export interface LeastPace {
  readonly bytesPerSecond: number;
  /** Milliseconds by which a client may fall behind that pace; also how long it may be silent. */
  readonly patience: number;
}

/**
 * Watches how fast a client sends, or takes, what it is waited for. Only the time counts in which the client is waited for:
 * what the server itself takes its time for does not.
 *
 * A client begins with all of its patience. Waiting uses it up, and bytes give it back: each as much as it takes at the least
 * pace. So one byte does not set the clock back, a client that keeps the pace goes on for ever, and one that is silent ends
 * after its patience.
 */
export class Pace {
  private readonly least: LeastPace;
  private readonly tooSlow: () => void;
  private readonly now: () => number;
  private left: number;
  private since: number | undefined;

  /**
   * @param tooSlow called once the patience is used up; it ends what is waited for
   * @param now monotonic milliseconds
   */
  constructor(least: LeastPace, tooSlow: () => void, now: () => number) {
    this.now = now;
    this.least = least;
    this.tooSlow = tooSlow;
    this.left = least.patience;
  }

  /** Milliseconds for which the client has been waited for by now; undefined while it is not. */
  waiting(): number | undefined {
    return this.since === undefined ? undefined : this.now() - this.since;
  }

  /**
   * Waits for a step of the client.
   * @param moved how many bytes have moved since the connection began, as far as it is known
   */
  async during<T>(step: Promise<T>, moved: () => number): Promise<T> {
    const began = this.now();
    this.since = began;
    let counted = moved();
    let at = began;
    const settle = () => {
      const [now, bytes] = [this.now(), moved()];
      const gained = ((bytes - counted) / this.least.bytesPerSecond) * 1000;
      this.left = Math.min(this.least.patience, this.left - (now - at) + gained);
      [at, counted] = [now, bytes];
    };
    let timer: NodeJS.Timeout;
    const look = () => {
      settle();
      if (this.left <= 0) this.tooSlow();
      else timer = setTimeout(look, Math.max(this.left, 10));
    };
    timer = setTimeout(look, Math.max(this.left, 0));
    try {
      return await step;
    } finally {
      clearTimeout(timer);
      settle();
      this.since = undefined;
    }
  }
}
