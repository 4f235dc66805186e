import { setImmediate as nextTurn } from 'node:timers/promises';

/** Counts the turns of the event loop until something has ended. @throws what it throws */
export async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let going = true;
  const ended = work.finally(() => {
    going = false;
  });
  let turns = 0;
  while (going) {
    await nextTurn();
    turns++;
  }
  await ended;
  return turns;
}
