import { setFlagsFromString } from 'node:v8';

/** Commands that pass on many bytes and keep none. */
const PASSING_ON: readonly string[] = ['mirror', 'import'];

/**
 * Keeps the heap of such a command small. V8 would let the young generation grow, and buffers that are no longer used would wait there: a
 * third more memory, for no time that can be measured. Call it before modules are loaded, which lets it grow already.
 * @param command the first argument of the program
 */
export function keepHeapSmall(command: string | undefined): void {
  if (command === undefined || !PASSING_ON.includes(command)) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  // The first line of `main.ts` lets the heap of a server double between two collections.
  setFlagsFromString('--heap-growing-percent=0');
}
