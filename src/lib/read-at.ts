import { type FileHandle, open } from 'node:fs/promises';
import { CairnError } from './errors.ts';

/**
 * Opens a file to be read at any place, for as long as `use` takes.
 * @param use gets a function that reads exactly `length` bytes from `position` on
 * @throws CairnError `corrupt` when the file ends before; whatever `use` throws
 */
export async function withFile<T>(
  path: string,
  use: (read: (position: number, length: number) => Promise<Buffer>) => Promise<T>,
): Promise<T> {
  const file = await open(path);
  try {
    return await use((position, length) => readAt(file, path, position, length));
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, path: string, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let got = 0;
  while (got < length) {
    const { bytesRead } = await file.read(bytes, got, length - got, position + got);
    if (bytesRead === 0) throw new CairnError('corrupt', `${path} ends before byte ${position + length}`);
    got += bytesRead;
  }
  return bytes;
}
