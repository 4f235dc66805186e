/** How much another program has written to a folder, while it still writes. */
import { readdir, stat, statfs } from 'node:fs/promises';
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
 * Measures a size a few times a second until the signal is aborted. More can be written between two looks.
 * @param measure gives the size in bytes
 * @param look is given each size
 * @param signal ends the watching
 */
export async function watchSize(
  measure: () => Promise<number>,
  look: (size: number) => Promise<void>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await look(await measure());
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
}

/** Bytes that the disk of a folder has left for this user; any number where the system does not tell. */
export async function bytesLeft(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return Number.POSITIVE_INFINITY;
  }
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
