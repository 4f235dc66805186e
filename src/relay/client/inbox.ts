/**
 * The incoming messages of one client. While the connection is busy, the client is not read; messages that have been read
 * already wait.
 */

/** How much may wait while the client is not read; no client that behaves well sends more. */
const WAITING_MESSAGES = 1_000;
const WAITING_CHARACTERS = 4 * 1024 * 1024;

export interface InboxContext {
  /** True while no more messages should be handled. */
  readonly isBusy: () => boolean;
  readonly handle: (text: string) => void;
  /** Stops reading the client, or resumes. */
  readonly pause: (pause: boolean) => void;
  /** Called when the client sends more than may wait. */
  readonly overflow: () => void;
}

export class Inbox {
  private readonly context: InboxContext;
  private waiting: string[] = [];
  private waitingCharacters = 0;
  private paused = false;
  private closed = false;

  constructor(context: InboxContext) {
    this.context = context;
  }

  receive(text: string): void {
    if (this.closed) return;
    if (this.waiting.length === 0 && !this.context.isBusy()) this.context.handle(text);
    else this.enqueue(text);
    this.goOn();
  }

  /** Handles waiting messages while the connection is not busy. Call it whenever that may have changed. */
  goOn(): void {
    const { isBusy, handle, pause } = this.context;
    while (!this.closed && !isBusy()) {
      const text = this.waiting.shift();
      if (text === undefined) break;
      this.waitingCharacters -= text.length;
      handle(text);
    }
    if (this.closed || isBusy() === this.paused) return;
    this.paused = !this.paused;
    pause(this.paused);
  }

  /** Handles no more messages. */
  close(): void {
    this.closed = true;
    this.waiting = [];
  }

  private enqueue(text: string): void {
    this.waiting.push(text);
    this.waitingCharacters += text.length;
    if (this.waiting.length > WAITING_MESSAGES || this.waitingCharacters > WAITING_CHARACTERS)
      this.context.overflow();
  }
}
