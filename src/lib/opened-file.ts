import { type FileHandle, open } from 'node:fs/promises';
import { CairnError } from './errors.ts';

/** An open file that can be read at any position. */
export interface OpenedFile {
  /** Its size in bytes when it was opened. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes from `position`.
   * @param into a buffer that may be used for them: it saves a new one for each part when a whole file is read
   * @throws CairnError `corrupt` when the file ends earlier
   */
  readonly read: (position: number, length: number, into?: Buffer) => Promise<Buffer>;
  close(): Promise<void>;
}

/** @throws what the file system throws */
export async function openFile(path: string): Promise<OpenedFile> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    return {
      size,
      read: (position, length, into) => readAt(file, path, position, length, into),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readAt(
  file: FileHandle,
  path: string,
  position: number,
  length: number,
  into?: Buffer,
): Promise<Buffer> {
  const bytes =
    into === undefined || into.length < length ? Buffer.allocUnsafe(length) : into.subarray(0, length);
  for (let got = 0; got < length; ) {
    const { bytesRead } = await file.read(bytes, got, length - got, position + got);
    if (bytesRead === 0) throw new CairnError('corrupt', `${path} ends before byte ${position + length}`);
    got += bytesRead;
  }
  return bytes;
}
