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

/** Milliseconds for which a busy process, which runs timers before it reads what has arrived, gets to read it. */
const SECOND_LOOK_MS = 50;

/** Calls back when nothing has moved for long, unless somebody on this side is the one that is slow. */
export class Watchdog {
  private readonly timer: NodeJS.Timeout;
  private secondLook: NodeJS.Timeout | undefined;

  /**
   * @param isOurs true while the other side is not what is waited for
   * @param onSilence called once, with the time in seconds
   */
  constructor(milliseconds: number, isOurs: () => boolean, onSilence: (seconds: number) => void) {
    this.timer = setTimeout(() => {
      this.timer.refresh();
      if (isOurs()) return;
      this.secondLook ??= setTimeout(() => {
        this.secondLook = undefined;
        if (isOurs()) return;
        this.stop();
        onSilence(Math.round(milliseconds / 100) / 10);
      }, SECOND_LOOK_MS);
    }, milliseconds);
  }

  /** Something has moved. */
  moved(): void {
    this.timer.refresh();
    this.forgive();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.forgive();
  }

  private forgive(): void {
    clearTimeout(this.secondLook);
    this.secondLook = undefined;
  }
}
