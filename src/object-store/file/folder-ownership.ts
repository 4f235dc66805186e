/**
 * One process owns a data folder. Ownership ends with the process, however it ends.
 *
 * Node has no file locks, so a listening socket shows a living process: the kernel closes the socket with the
 * process and then refuses connections to it. The highest of the files `owner-<n>` names the socket of the owner. To
 * claim the folder:
 *
 * 1. Listen on a socket with a unique name.
 * 2. Find the highest `owner-<n>`. If its socket accepts a connection, the folder is taken.
 * 3. Create `owner-<n+1>`, which names our socket, with link(2). Of two claimants one succeeds; the other starts
 *    again. Our socket listens before anybody can find it, so a claim never looks dead while its process lives.
 * 4. Look again. A higher file means that we were slow: others claimed, cleaned up and went on. Remove our file and
 *    start again.
 *
 * The highest file is never deleted, not even on release, so that two claimants never both use one number as the
 * next. The owner removes lower files, and sockets without a listener.
 *
 * This works among processes of one kernel on a local file system. It does not work over network file systems.
 */
import { chmod, link, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { CairnError, messageOf, systemCode } from '../../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import { openSocketPath } from './socket-path.ts';

const FOLDER = 'ownership';
const OWNER_FILE = /^owner-(\d+)$/;
const SOCKET = /^[0-9a-f]+\.sock$/;
const LEFT_BEHIND_MS = 60 * 60 * 1000;
/**
 * A live process that is stopped or very busy accepts no connection for a while; the kernel still queues connections.
 */
const CONNECT_MS = 5_000;
const MOST_TRIES = 100;

/** Who owns, or owned, a folder: the socket, and what a person needs to find the process. */
export interface FolderOwner {
  /** Name of the socket, beside the claim. */
  readonly socket: string;
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

interface Generation {
  readonly number: number;
  readonly owner: FolderOwner | undefined;
}

/** The folder belongs to this process until `release`, or until the process ends. */
export interface FolderOwnership {
  /** Listens on the socket that shows the ownership. It can also serve other processes of the same user. */
  readonly server: Server;
  release(): Promise<void>;
}

/** Another process owns the folder. */
export class FolderTakenError extends CairnError {
  readonly owner: FolderOwner;

  constructor(folder: string, what: string, owner: FolderOwner) {
    super(
      'unavailable',
      `the ${what} folder ${folder} is in use by process ${owner.pid} on ${owner.host}, since ${owner.since}; stop it first, or choose another folder`,
    );
    this.owner = owner;
  }
}

/**
 * Claims a folder for this process. Creates the folder if needed.
 * @param what the purpose of the folder, for messages: `data`, `cache`
 * @throws FolderTakenError when a living process owns it; CairnError `unavailable` when the folder cannot be used
 */
export async function claimFolder(
  folder: string,
  what = 'data',
  random: Random = systemRandom,
): Promise<FolderOwnership> {
  const claims = join(folder, FOLDER);
  try {
    // 0700: a process that can connect to the socket can read and write every object.
    await makeFolder(claims, PRIVATE_FOLDER);
    for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
      const claimed = await tryToClaim(folder, claims, what, random);
      if (claimed !== undefined) return claimed;
    }
  } catch (error) {
    if (error instanceof CairnError) throw error;
    throw new CairnError('unavailable', `the ${what} folder ${folder} cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
  throw new CairnError('unavailable', `too many processes claim the ${what} folder ${folder} at once`);
}

/** The path to connect to an owner's socket. */
export function ownerSocket(folder: string, owner: FolderOwner): ReturnType<typeof openSocketPath> {
  return openSocketPath(join(folder, FOLDER), owner.socket);
}

/** One round of steps 1 to 4. @returns undefined when the claim must start again */
async function tryToClaim(
  folder: string,
  claims: string,
  what: string,
  random: Random,
): Promise<FolderOwnership | undefined> {
  const socket = `${random.hex(8)}.sock`;
  const ownership = await listen(claims, socket);
  try {
    const highest = (await readGenerations(claims)).at(-1);
    if (highest?.owner !== undefined && (await isAlive(claims, highest.owner.socket))) {
      throw new FolderTakenError(folder, what, highest.owner);
    }
    const number = (highest?.number ?? 0) + 1;
    const owner = {
      socket,
      pid: process.pid,
      host: hostname(),
      since: new Date(systemClock.now()).toISOString(),
    };
    if ((await claim(claims, number, owner, random)) && (await isStillOurs(claims, number, socket))) {
      await cleanUp(claims, number);
      return ownership;
    }
  } catch (error) {
    await ownership.release();
    throw error;
  }
  await ownership.release();
  return undefined;
}

async function listen(claims: string, socket: string): Promise<FolderOwnership> {
  const server = createServer((_, response) => {
    response.writeHead(503).end();
  });
  const address = await openSocketPath(claims, socket);
  const release = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await address.close();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(address.path, resolve);
    });
    await chmod(join(claims, socket), 0o600);
    return { server, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Creates `owner-<number>` whole, and only if it does not exist. @returns whether it did */
async function claim(claims: string, number: number, owner: FolderOwner, random: Random): Promise<boolean> {
  const draft = join(claims, `${random.hex(8)}.claim`);
  await writeFile(draft, JSON.stringify(owner), { flag: 'wx', mode: 0o600 });
  try {
    await link(draft, join(claims, `owner-${number}`));
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Whether our claim is the highest and our socket still exists. The socket may be gone: a living owner removes old
 * sockets, so a claimant that slept for an hour can lose its own. A claim that fails here is removed unless it is the
 * highest. The highest stays, and the next claimant finds it dead.
 */
async function isStillOurs(claims: string, number: number, socket: string): Promise<boolean> {
  const highest = (await readGenerations(claims)).at(-1);
  if (highest?.number !== number) {
    await rm(join(claims, `owner-${number}`), { force: true });
    return false;
  }
  return isAlive(claims, socket);
}

/** Removes lower claims, their sockets, and old files of claimants that were killed. */
async function cleanUp(claims: string, number: number): Promise<void> {
  for (const generation of await readGenerations(claims)) {
    if (generation.number >= number) continue;
    if (generation.owner !== undefined) await rm(join(claims, generation.owner.socket), { force: true });
    await rm(join(claims, `owner-${generation.number}`), { force: true });
  }
  for (const name of await readdir(claims)) {
    if (OWNER_FILE.test(name)) continue;
    const path = join(claims, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || systemClock.now() - found.mtimeMs < LEFT_BEHIND_MS) continue;
    if (name.endsWith('.sock') && (await isAlive(claims, name))) continue;
    await rm(path, { force: true });
  }
}

/** All claims, lowest first. */
async function readGenerations(claims: string): Promise<readonly Generation[]> {
  let names: string[];
  try {
    names = await readdir(claims);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  const generations = await Promise.all(
    names.flatMap((name) => {
      const [, digits] = OWNER_FILE.exec(name) ?? [];
      return digits === undefined ? [] : [readGeneration(claims, name, Number(digits))];
    }),
  );
  return generations
    .filter((generation) => generation !== undefined)
    .sort((left, right) => left.number - right.number);
}

/** Undefined when the claim was removed after the listing. The highest claim is never removed. */
async function readGeneration(claims: string, name: string, number: number): Promise<Generation | undefined> {
  let text: string;
  try {
    text = await readFile(join(claims, name), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  // A crash of the machine damaged a claim that cannot be read: its process is gone.
  return { number, owner: parseOwner(text) };
}

function parseOwner(text: string): FolderOwner | undefined {
  let value: Partial<Record<keyof FolderOwner, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { socket, pid, host, since } = value ?? {};
  if (typeof socket !== 'string' || !SOCKET.test(socket)) return undefined;
  return { socket, pid: Number(pid), host: String(host), since: String(since) };
}

/**
 * Whether a process listens on a socket.
 * @throws when that cannot be determined, for example because the socket belongs to another user
 */
async function isAlive(claims: string, name: string): Promise<boolean> {
  const address = await openSocketPath(claims, name);
  try {
    return await new Promise<boolean>((resolve, reject) => {
      const socket = connect(address.path);
      socket.setTimeout(CONNECT_MS, () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', (error) => {
        const code = systemCode(error);
        if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
        // EAGAIN: the queue of connections is full, so a process is listening.
        else if (code === 'EAGAIN') resolve(true);
        else reject(error);
      });
    });
  } finally {
    await address.close();
  }
}
