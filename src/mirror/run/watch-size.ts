/** How much another program has written to a folder, while it still writes. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { systemCode } from '../../lib/errors.ts';

/** Milliseconds between two looks. */
const LOOK_MS = 250;

/**
 * Bytes of all files below a folder whose names fit. A file that goes away meanwhile does not count.
 * @param counts whether a file counts, by its name
 * @throws what the file system throws
 */
export async function sizeOf(folder: string, counts: (name: string) => boolean): Promise<number> {
  let size = 0;
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) size += await sizeOf(path, counts);
    else if (entry.isFile() && counts(entry.name)) size += await lengthOf(path);
  }
  return size;
}

/**
 * Polls a size until it exceeds the limit or the signal is aborted. More can be written between two polls.
 * @param measure gives the size in bytes
 * @param signal ends the watching
 * @returns true when it was more than `most` bytes at some look; false when the signal came first
 */
export async function exceeds(
  measure: () => Promise<number>,
  most: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<boolean> {
  while (!signal.aborted) {
    if ((await measure()) > most) return true;
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
  return false;
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

async function lengthOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isGone(error)) return 0;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return systemCode(error) === 'ENOENT';
}
