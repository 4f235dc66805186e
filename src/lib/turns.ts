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

/** Items worked on before others get their turn: a few milliseconds. */
export const PIECE = 2_000;

/** Cuts what may be very much into pieces, with a turn of the event loop for others between one and the next. */
export async function* inTurns<T>(
  items: Iterable<T>,
  size = PIECE,
): AsyncGenerator<readonly T[], void, undefined> {
  let piece: T[] = [];
  for (const item of items) {
    piece.push(item);
    if (piece.length < size) continue;
    yield piece;
    await nextTurn();
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
