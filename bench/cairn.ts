import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CairnError, messageOf } from '../src/lib/errors.ts';
import { formatNpub } from '../src/nostr/public-key.ts';
import { gitUrl } from '../src/nostr/repository-url.ts';
import { git } from './git-client.ts';
import type { Host } from './host.ts';
import { announcement, ownerKey, signedIn } from './owner.ts';
import { projectRoot } from './paths.ts';
import { run, type Service, startService } from './processes.ts';
import { startR2 } from './r2.ts';
import { RelayClient } from './relay-client.ts';

/** Where Cairn keeps its data: a local folder, or S3 as miniflare's R2 endpoint speaks it. */
export type StoreKind = 'file' | 's3';

export interface CairnOptions {
  /** Without it anybody may push, as far as the reference lets them. */
  readonly access?: 'open' | 'signed';
  /** Further flags of `cairn serve`. */
  readonly flags?: readonly string[];
}

export interface CairnHost extends Host {
  /** Base URL. */
  readonly url: string;
  /** Folds a repository by hand, as an operator may at any time. */
  fold(identifier: string): Promise<void>;
  /** Imports a repository from a URL with `cairn import`, beside the running server. */
  importFrom(source: string, identifier: string): Promise<Import>;
  /** Brings a Fossil repository in from a URL with `cairn fossil clone`, beside the running server, and returns its URL. */
  cloneFossil(source: string, identifier: string): Promise<string>;
}

/** What an import took. */
export interface Import {
  /** From the start of the command to its end. */
  readonly seconds: number;
  /** Largest resident set of the command, in bytes; git, which it starts, apart. */
  readonly peakMemory: number;
}

/** Starts the built `cairn serve` as an operator would, with its data and cache under `folder`. */
export async function startCairn(
  folder: string,
  kind: StoreKind,
  { access = 'open', flags = [] }: CairnOptions = {},
): Promise<CairnHost> {
  await mkdir(folder, { recursive: true });
  const store = await openStore(folder, kind);
  const server = await serveCairn(folder, store, ['--access', access, ...flags]).catch(async (error) => {
    await store.stop?.();
    throw error;
  });
  const { url } = server;
  const signIn = access === 'signed' ? signedIn : undefined;
  const create = async (identifier: string) => {
    // With open access the first push makes the repository.
    if (access === 'signed') await announce(url, identifier);
    return gitUrl(url, ownerKey, identifier);
  };
  const fold = (identifier: string) => foldRepository(folder, store, identifier);
  return {
    url,
    pid: server.pid,
    create,
    async add(identifier, source, upkeep) {
      const repository = await create(identifier);
      const shown = signIn?.(repository) ?? [];
      await git([...shown, '-C', source.path, 'push', '--quiet', '--mirror', repository]);
      if (upkeep !== 'as-pushed') await fold(identifier);
      return repository;
    },
    fold,
    importFrom: (source, identifier) => importRepository(folder, store, source, identifier),
    async cloneFossil(source, identifier) {
      await cloneFossilInto(folder, store, source, identifier);
      return fossilAddress(url, identifier);
    },
    ...(signIn === undefined ? {} : { signIn }),
    async stop() {
      await server.stop();
      await store.stop?.();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A running `cairn serve`. */
export interface CairnServer {
  readonly pid: number;
  readonly url: string;
  /** Ends it, and leaves what it stored for another one. */
  stop(): Promise<void>;
}

/** A command that starts another one, which it is followed by. */
export type Wrapper = readonly [command: string, ...args: string[]];

/**
 * Starts the built program on a store, with its cache, key and log in a folder.
 * @param wrapper what starts it, if it is not started directly
 * @throws CairnError `unavailable` when it does not get ready
 */
export async function serveCairn(
  folder: string,
  store: Store,
  flags: readonly string[],
  wrapper?: Wrapper,
): Promise<CairnServer> {
  await mkdir(folder, { recursive: true });
  const log = join(folder, 'cairn.log');
  // What an earlier one said there would be taken for this one's word.
  await rm(log, { force: true });
  const args = ['--store', store.location, '--cache', join(folder, 'cache'), '--port', '0', ...flags];
  const [command, ...first] = [...(wrapper ?? []), program()];
  const service = await startService(command ?? program(), [...first, 'serve', ...args], {
    env: environment(folder, store),
    log,
    ready: LISTENING,
  });
  return serverOf(service, log);
}

/** What a server prints when it can be used. */
const LISTENING: RegExp = /listening on (http:\/\/\S+)/;

/** A running server as the rows know it, whose errors are shown when it ends. */
function serverOf(service: Service, log: string): CairnServer {
  return {
    pid: service.pid,
    url: service.ready[1] ?? '',
    async stop() {
      await service.stop();
      await tellErrors(log);
    },
  };
}

/** A server whose store lets each key be swapped once a second; anybody may push. */
export async function startLimitedCairn(folder: string): Promise<Pick<CairnHost, 'create' | 'stop'>> {
  await mkdir(folder, { recursive: true });
  const entry = fileURLToPath(new URL('./limited-server.js', import.meta.url));
  const log = join(folder, 'cairn.log');
  const args = [entry, dataFolder(folder), join(folder, 'cache'), 'be'.repeat(32)];
  const env = { PATH: process.env['PATH'], HOME: folder };
  const service = await startService(process.execPath, args, { env, log, ready: LISTENING });
  const server = serverOf(service, log);
  return {
    create: async (identifier) => gitUrl(server.url, ownerKey, identifier),
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Folds a repository with `cairn fold`, beside the server that is running on the same store.
 * @param folder of that server
 */
export async function foldRepository(folder: string, store: Store, identifier: string): Promise<void> {
  const cache = join(folder, 'fold-cache');
  const args = ['fold', `${ownerKey}/${identifier}`, '--store', store.location, '--cache', cache];
  for (let tries = 1; ; tries++) {
    try {
      await run(program(), args, { env: environment(folder, store) });
      return;
    } catch (error) {
      // The server does it by itself when enough has come together, and two at once would be one too many.
      if (tries === FOLD_TRIES || !messageOf(error).includes('is folding')) throw error;
      await setTimeout(1000);
    }
  }
}

/**
 * Brings a Fossil repository into a store from a URL with `cairn fossil clone`, whether a server runs on it or not.
 * @param folder of that server
 */
export async function cloneFossilInto(
  folder: string,
  store: Store,
  source: string,
  identifier: string,
): Promise<void> {
  const where = ['--store', store.location, '--cache', join(folder, 'import-cache')];
  const args = ['fossil', 'clone', source, `${ownerKey}/${identifier}`, ...where];
  await run(program(), args, { env: environment(folder, store) });
}

/** The URL of a Fossil repository. @param url of the server */
export function fossilAddress(url: string, identifier: string): string {
  return `${url}/fossil/${formatNpub(ownerKey)}/${identifier}`;
}

async function importRepository(
  folder: string,
  store: Store,
  source: string,
  identifier: string,
): Promise<Import> {
  const where = ['--store', store.location, '--cache', join(folder, 'import-cache')];
  const args = ['import', source, `${ownerKey}/${identifier}`, ...where, '--json', '--measure'];
  const { seconds, stdout } = await run(program(), args, { env: environment(folder, store) });
  const { measurement } = JSON.parse(stdout) as { measurement: { peakMemoryBytes: number } };
  return { seconds, peakMemory: measurement.peakMemoryBytes };
}

/** Seconds for which a fold of the server's own is waited for. */
const FOLD_TRIES = 30;

/** The built program. */
function program(): string {
  const entry = join(projectRoot(), 'dist', 'main.js');
  if (!existsSync(entry)) throw new CairnError('unavailable', `${entry} is missing: run \`npm run build\``);
  return entry;
}

function environment(folder: string, store: Store): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    CAIRN_SERVICE_KEY: join(folder, 'service.key'),
    ...store.env,
  };
}

/** Makes a repository by the word of its owner. */
export async function announce(url: string, identifier: string): Promise<void> {
  const relay = await RelayClient.connect(url);
  try {
    await relay.publish([announcement(url, identifier)]);
  } finally {
    await relay.close();
  }
}

/** Shows what a server logged as an error (level 50 and above), since its log goes with its folder. */
async function tellErrors(log: string): Promise<void> {
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => /"level":[56]0,/.test(line));
  if (lines.length > 0) process.stderr.write(`cairn logged:\n${lines.slice(-5).join('\n')}\n`);
}

/** An object store, and how a server is told of it. */
export interface Store {
  readonly location: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the store's own server, if it has one. */
  readonly stop?: () => Promise<void>;
}

/** A store of one kind with its data under a folder; whoever opened it stops it. */
export async function openStore(folder: string, kind: StoreKind): Promise<Store> {
  return kind === 'file' ? fileStore(folder) : s3Store(folder);
}

export function fileStore(folder: string): Store {
  return { location: `file:${dataFolder(folder)}`, env: {} };
}

/** Where a server's file store is. */
export function dataFolder(folder: string): string {
  return join(folder, 'data');
}

async function s3Store(folder: string): Promise<Store> {
  const r2 = await startR2(folder);
  return {
    location: `s3://${r2.bucket}/bench`,
    env: {
      AWS_ACCESS_KEY_ID: r2.accessKeyId,
      AWS_SECRET_ACCESS_KEY: r2.secretAccessKey,
      AWS_REGION: 'auto',
      CAIRN_S3_ENDPOINT: r2.endpoint,
    },
    stop: r2.stop,
  };
}
