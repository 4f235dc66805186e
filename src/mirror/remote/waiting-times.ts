/** How long a connection waits, in milliseconds. */
export interface WaitingTimes {
  /** For a connection, with its TLS handshake. */
  readonly connect: number;
  /** For the first byte of an advertisement. */
  readonly advertisement: number;
  /**
   * For the next byte of anything else in either direction, while this side waits for the other. Long, because a server may
   * check a pack for minutes before it says anything.
   */
  readonly silence: number;
}

export const WAITING_TIMES: WaitingTimes = {
  connect: 30_000,
  advertisement: 5 * 60_000,
  silence: 20 * 60_000,
};

/** Calls back when nothing has moved for long, unless somebody on this side is the one that is slow. */
export class Watchdog {
  private readonly timer: NodeJS.Timeout;

  /**
   * @param isOurs true while the network is not what is waited for
   * @param onSilence called once
   */
  constructor(milliseconds: number, isOurs: () => boolean, onSilence: () => void) {
    this.timer = setTimeout(() => {
      if (isOurs()) this.timer.refresh();
      else onSilence();
    }, milliseconds);
  }

  /** Something has moved. */
  moved(): void {
    this.timer.refresh();
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
