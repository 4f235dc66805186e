import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../lib/errors.ts';
import { type FolderEntry, readEntry } from './file-layout.ts';

export interface ListedFile {
  readonly key: string;
  /** Bytes of the file, with the header if it has one. */
  readonly fileSize: number;
  /** True when the file has no header. */
  readonly isBare: boolean;
}

/**
 * Walks the object files below `folder` in byte order of their keys. It skips folders that cannot hold a wanted key.
 * Objects removed during the walk may or may not appear.
 * @param path what the folders above add to the key
 */
export async function* listObjects(
  folder: string,
  prefix: string,
  startAfter: string,
  path = '',
): AsyncGenerator<ListedFile> {
  let listed: string | undefined;
  for (const entry of await readFolder(folder)) {
    const key = path + entry.text;
    const entryPath = join(folder, entry.name);
    if (entry.isObject) {
      if (!key.startsWith(prefix) || key <= startAfter || key === listed) continue;
      const fileSize = await sizeOf(entryPath);
      if (fileSize === undefined) continue;
      listed = key;
      yield { key, fileSize, isBare: entry.isBare };
    } else if (mayHold(key, prefix, startAfter)) {
      yield* listObjects(entryPath, prefix, startAfter, key);
    }
  }
}

/** Whether a folder whose keys all begin with `text` can hold a key that begins with `prefix` and is after `startAfter`. */
function mayHold(text: string, prefix: string, startAfter: string): boolean {
  const related = text.startsWith(prefix) || prefix.startsWith(text);
  return related && (text > startAfter || startAfter.startsWith(text));
}

async function readFolder(folder: string): Promise<FolderEntry[]> {
  let found: Dirent[];
  try {
    found = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  const entries = found.flatMap((entry) => readEntry(entry.name, entry.isDirectory()) ?? []);
  // Of two files of one key the one with a header counts, see `FileObjectStore`. Its name is the shorter one.
  return entries.sort((left, right) => compare(left.text, right.text) || compare(left.name, right.name));
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
