import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CairnError } from '../../lib/errors.ts';

/**
 * The smallest limit of the supported systems: sockaddr_un holds 104 bytes on macOS and 108 on Linux, with a final
 * zero byte.
 */
const LONGEST_SOCKET_PATH = 103;

/** A path to a socket that fits the kernel's limit while this is open. */
export interface SocketPath {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * The path to pass to bind or connect for a socket in `folder`. A path that is too long goes through an open handle
 * of the folder, which Linux offers as `/proc/self/fd/<n>`.
 * @throws CairnError `invalid` when the path is too long and this system has no such alternative
 */
export async function openSocketPath(folder: string, name: string): Promise<SocketPath> {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return { path, close: async () => undefined };
  if (process.platform !== 'linux') {
    throw new CairnError('invalid', `the path ${folder} is too long for a socket, choose a shorter one`);
  }
  const handle: FileHandle = await open(folder, 'r');
  return { path: `/proc/self/fd/${handle.fd}/${name}`, close: () => handle.close() };
}
