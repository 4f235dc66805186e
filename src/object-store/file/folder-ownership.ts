/**
 * One process owns a data folder, and owning ends with the process, however it ends.
 *
 * Node has no file locks, so a listening socket stands for "alive": the kernel closes it with the process, and a
 * connection to it is refused from then on. Who owns the folder is said by the highest of the files `owner-<n>`,
 * each of which names a socket. To claim the folder:
 *
 * 1. Listen on a socket with a name nobody else has.
 * 2. Find the highest `owner-<n>`. If its socket accepts a connection, the folder is taken.
 * 3. Make `owner-<n+1>`, naming our socket, by link(2): of two claimants one succeeds, the other looks again. Our
 *    socket listens before anybody can find it, so a claim is never taken for a dead one.
 * 4. Look again. A higher file means that we were slow: others came, cleaned up and went on. Take ours back, begin anew.
 *
 * The highest file is never deleted, not even at the end, so that a number is never used twice by two claimants who
 * both believe it is next. The owner removes lower files, and sockets nobody listens on.
 *
 * This holds among processes of one kernel on a local file system. Over network file systems it does not.
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
/** A live process that is stopped or very busy accepts nothing for a while; the kernel still queues connections. */
const CONNECT_MS = 5_000;
const MOST_TRIES = 100;

/** Who owns, or owned, a folder: its socket, and what a person needs to find the process. */
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
  /** Listens on the socket that stands for the ownership; other processes of the same user may be served there. */
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
 * Claims a folder, made if need be, for this process.
 * @param what what the folder is for, in messages: `data`, `cache`
 * @throws FolderTakenError when a living process owns it; CairnError `unavailable` when the folder cannot be used
 */
export async function claimFolder(
  folder: string,
  what = 'data',
  random: Random = systemRandom,
): Promise<FolderOwnership> {
  const claims = join(folder, FOLDER);
  try {
    // 0700: whoever can connect to the socket can read and write every object.
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

/** The path of an owner's socket, to connect to. */
export function ownerSocket(folder: string, owner: FolderOwner): ReturnType<typeof openSocketPath> {
  return openSocketPath(join(folder, FOLDER), owner.socket);
}

/** One round of steps 1 to 4. @returns undefined when it has to begin anew */
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

/** Makes `owner-<number>` appear whole and only if it is not there. @returns whether it did */
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
 * Whether our claim is the highest, and our socket is still there: a living owner sweeps old sockets, and a claimant
 * that slept for an hour before it claimed may have lost its own. A claim that fails here is taken back unless it is
 * the highest; as the highest it stays, and is found dead by whoever looks.
 */
async function isStillOurs(claims: string, number: number, socket: string): Promise<boolean> {
  const highest = (await readGenerations(claims)).at(-1);
  if (highest?.number !== number) {
    await rm(join(claims, `owner-${number}`), { force: true });
    return false;
  }
  return isAlive(claims, socket);
}

/** Removes claims below ours, their sockets, and what claimants that were killed left behind long ago. */
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

/** Undefined when the claim was removed after it was listed, which happens to all but the highest. */
async function readGeneration(claims: string, name: string, number: number): Promise<Generation | undefined> {
  let text: string;
  try {
    text = await readFile(join(claims, name), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  // A claim that cannot be read was torn by a crash of the machine: its process is gone.
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
 * Whether somebody listens on a socket.
 * @throws when that cannot be told, for example because the socket belongs to another user
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
        // EAGAIN: the queue of connections is full, so somebody is there to have it.
        else if (code === 'EAGAIN') resolve(true);
        else reject(error);
      });
    });
  } finally {
    await address.close();
  }
}
