/** Closes one thing that was opened. May be called once. */
export type Close = () => PromiseLike<unknown>;

/**
 * What was opened, in the order it was opened in. It is closed in the reverse order, one thing after another: whatever uses
 * something else is closed before it. A failure is reported, and the rest is closed all the same.
 */
export class ClosingStack implements AsyncDisposable {
  private readonly closers: Close[] = [];
  private readonly onFailure: (error: unknown) => void;
  private closing: Promise<void> | undefined;

  /** @param onFailure is told of each thing that could not be closed */
  constructor(onFailure: (error: unknown) => void) {
    this.onFailure = onFailure;
  }

  /** Says how to close what has just been opened. */
  defer(close: Close): void {
    this.closers.push(close);
  }

  /** Closes everything. A second call waits for the first. Does not throw. */
  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async closeAll(): Promise<void> {
    for (let close = this.closers.pop(); close !== undefined; close = this.closers.pop()) {
      try {
        await close();
      } catch (error) {
        this.onFailure(error);
      }
    }
  }
}
