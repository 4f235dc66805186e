import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FileBytes } from '../../src/lib/file-bytes.ts';
import { tempDir } from './temp-dir.ts';

/** Gives bytes as a part of a file: something stands before them and behind them. */
export async function inFile<T>(bytes: Uint8Array, work: (bytes: FileBytes) => Promise<T>): Promise<T> {
  await using folder = await tempDir('cairn-bytes');
  const path = join(folder.path, 'bytes');
  const file = await open(path, 'wx+');
  try {
    await file.writeFile(Buffer.concat([Buffer.from('before'), bytes, Buffer.from('igot x\n')]));
    await rm(path);
    return await work(new FileBytes(file, 6, bytes.length));
  } finally {
    await file.close();
  }
}
