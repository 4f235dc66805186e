/** The minimum speed at which a client has to send or take. */
export interface LeastPace {
  readonly bytesPerSecond: number;
  /** How many milliseconds a client may fall behind that speed; also how long it may be silent. */
  readonly patience: number;
}

/**
 * Measures how fast a client sends or takes while the server waits for it. Time that the server itself needs does not count.
 *
 * A client begins with its whole patience. Waiting uses it up; each byte gives back the time that it takes at the minimum
 * speed. So a single byte does not reset the clock, a client that keeps the speed may go on for ever, and a silent one is
 * ended after its patience.
 */
export class Pace {
  private readonly least: LeastPace;
  private readonly tooSlow: () => void;
  private readonly now: () => number;
  private left: number;
  private since: number | undefined;

  /**
   * @param tooSlow called when the patience is used up; must end what is waited for
   * @param now monotonic milliseconds
   */
  constructor(least: LeastPace, tooSlow: () => void, now: () => number) {
    this.now = now;
    this.least = least;
    this.tooSlow = tooSlow;
    this.left = least.patience;
  }

  /** How many milliseconds the server has waited for the client in this step; undefined outside a step. */
  waiting(): number | undefined {
    return this.since === undefined ? undefined : this.now() - this.since;
  }

  /**
   * Waits for a step of the client.
   * @param moved returns how many bytes have moved since the connection began, as far as it is known
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
