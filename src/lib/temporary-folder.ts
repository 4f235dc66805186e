/**
 * Folders of commands for a while, in the folder of temporary files. A process that is killed leaves its folder behind, and the next one
 * that makes such a folder removes it. A process id would not tell that its process has ended: it may be used again, or belong to another
 * container with the same folder of temporary files. So each process listens on a socket in its folder while it lives.
 */
import { lstat, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemCode } from './errors.ts';

/** How the names of all these folders begin. */
const PREFIX = 'cairn-';
/** The socket. It has another name until its process listens, so a living process never looks dead. */
const ALIVE = '.alive';
const NOT_YET = '.alive-soon';
/** Bytes that the path of a socket may have on every system (`sun_path`). In a longer one there is no socket, and nobody removes it. */
const LONGEST_PATH = 103;
/** Milliseconds for an answer. A living process accepts in no time, even if it is stopped. */
const PATIENCE_MS = 1_000;

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes a folder that only this user may read, and removes those of processes that have ended.
 * @param purpose part of its name: `import`
 * @param parent where; the system's folder of temporary files if absent
 * @returns the folder; it is removed when it is disposed of
 * @throws what the file system throws
 */
export async function openTemporaryFolder(purpose: string, parent = tmpdir()): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(parent, `${PREFIX}${purpose}-`));
  const server = await showLife(path);
  // It takes as long as it takes: nobody waits for it before this folder is not needed any more.
  const sweeping = removeLeftFolders(parent);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await sweeping;
      await new Promise<void>((resolve) =>
        server === undefined ? resolve() : server.close(() => resolve()),
      );
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Listens on a socket in a folder. @returns undefined where the system cannot do that: then nobody removes the folder */
async function showLife(folder: string): Promise<Server | undefined> {
  const path = join(folder, NOT_YET);
  if (Buffer.byteLength(path) > LONGEST_PATH) return undefined;
  const server = createServer((socket) => socket.destroy());
  server.unref();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    await rename(path, join(folder, ALIVE));
    return server;
  } catch {
    // Not on every file system are there sockets. It is an ordinary temporary folder then.
    server.close();
    return undefined;
  }
}

/**
 * Removes the folders of processes that have ended. Two may do it at once: a process that has ended never needs its folder again.
 * What cannot be removed stays for the next time.
 */
export async function removeLeftFolders(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const path = join(parent, name);
    if (!name.startsWith(PREFIX) || !(await isOfEnded(path))) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** True for a folder of this user with a socket on which nobody listens. */
async function isOfEnded(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) return false;
  return new Promise((resolve) => {
    const socket = connect(join(path, ALIVE));
    const settle = (ended: boolean) => {
      socket.destroy();
      resolve(ended);
    };
    socket.setTimeout(PATIENCE_MS, () => settle(false));
    socket.once('connect', () => settle(false));
    socket.once('error', (error) => settle(systemCode(error) === 'ECONNREFUSED'));
  });
}
