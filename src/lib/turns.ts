import { setImmediate as nextTurn } from 'node:timers/promises';

/** Hands out turns of the event loop one by one, so that pieces of long work never share one, whoever they belong to. */
export class Turns {
  private last: Promise<void> = Promise.resolve();

  /** Resolves in a turn that nobody else was given. */
  next(): Promise<void> {
    this.last = this.last.then(() => nextTurn());
    return this.last;
  }
}
