/** Closes one thing that was opened. May be called once. */
export type Close = () => PromiseLike<unknown>;

/**
 * A list of opened resources. Closes them in reverse order, one after another, because later ones use earlier ones. If one
 * fails to close, that is reported and the others are still closed.
 */
export class ClosingStack implements AsyncDisposable {
  private readonly closers: Close[] = [];
  private readonly onFailure: (error: unknown) => void;
  private closing: Promise<void> | undefined;

  /** @param onFailure called with the error of each resource that could not be closed */
  constructor(onFailure: (error: unknown) => void) {
    this.onFailure = onFailure;
  }

  /** Adds what closes the resource that was just opened. */
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
