/**
 * The messages of one client on their way in. While there is enough to do, the client is not read; what had been read
 * by then waits.
 */

/** What has been read of a client that is not listened to for now; more is sent by nobody who means well. */
const HELD_MESSAGES = 1_000;
const HELD_CHARACTERS = 4 * 1024 * 1024;

export interface IntakeContext {
  /** True while the client is to be given nothing more to do. */
  readonly isBusy: () => boolean;
  readonly handle: (text: string) => void;
  /** Stops reading the client, or goes on. */
  readonly pause: (pause: boolean) => void;
  /** The client sends more than can wait. */
  readonly overflow: () => void;
}

export class Intake {
  private readonly context: IntakeContext;
  private held: string[] = [];
  private heldCharacters = 0;
  private paused = false;
  private closed = false;

  constructor(context: IntakeContext) {
    this.context = context;
  }

  receive(text: string): void {
    if (this.closed) return;
    if (this.held.length === 0 && !this.context.isBusy()) this.context.handle(text);
    else this.hold(text);
    this.goOn();
  }

  /** Takes up what waits as far as there is room. To be called whenever there may be room again, or less of it. */
  goOn(): void {
    const { isBusy, handle, pause } = this.context;
    while (!this.closed && !isBusy()) {
      const text = this.held.shift();
      if (text === undefined) break;
      this.heldCharacters -= text.length;
      handle(text);
    }
    if (this.closed || isBusy() === this.paused) return;
    this.paused = !this.paused;
    pause(this.paused);
  }

  /** Takes nothing up any more. */
  close(): void {
    this.closed = true;
    this.held = [];
  }

  private hold(text: string): void {
    this.held.push(text);
    this.heldCharacters += text.length;
    if (this.held.length > HELD_MESSAGES || this.heldCharacters > HELD_CHARACTERS) this.context.overflow();
  }
}
