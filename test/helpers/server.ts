import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GivenFlags } from '../../src/config/given-flags.ts';
import { readSettings } from '../../src/config/settings.ts';
import { Git } from '../../src/git-process/git.ts';
import { checkGitVersion } from '../../src/git-process/git-version.ts';
import { usableMemoryLimit } from '../../src/git-process/memory-limit.ts';
import { loadSecp256k1 } from '../../src/nostr/secp256k1.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { ObjectStore, PresignGet } from '../../src/object-store/object-store.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { type App, type Learned, type Overrides, startApp } from '../../src/server/app.ts';
import { learnUploadCapabilities } from '../../src/transfer/fetch/upload-capabilities.ts';
import { SERVICE_KEY_FILE, SERVICE_SECRET } from './build-once.ts';
import { launcherOfFile } from './launcher-of-file.ts';
import { tempDir } from './temp-dir.ts';

/** An owner for tests that do not care who it is. */
export const OWNER = 'a'.repeat(64);

/** The URL of a repository on a server. */
export function repositoryUrl(server: { readonly url: string }, identifier: string, owner = OWNER): string {
  return `${server.url}/git/${owner}/${encodeURIComponent(identifier)}.git`;
}

export interface TestServerOptions {
  /** The store to serve from; a new one in memory when not given. Wrap it to count requests or to inject faults. */
  readonly store?: ObjectStore;
  /** How clients get URLs of that store's objects; left out, there are none. */
  readonly presignGet?: PresignGet;
  readonly flags?: GivenFlags;
  readonly overrides?: Omit<Overrides, 'stores'>;
  /** Gets the log, one JSON line a call. */
  readonly onLog?: (line: string) => void;
}

/**
 * A whole server in this process, on a free port, with a cache folder of its own; close it or `await using` it. Rejects, and
 * leaves nothing, when the server does not start.
 */
export async function startServer(
  options: TestServerOptions = {},
): Promise<App & { readonly cacheFolder: string }> {
  const folder = await tempDir();
  const cacheFolder = options.flags?.cache ?? join(folder.path, 'cache');
  try {
    const app = await startIn(cacheFolder, options);
    const close = async () => {
      try {
        await app.close();
      } finally {
        await folder[Symbol.asyncDispose]();
      }
    };
    return { ...app, cacheFolder, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

async function startIn(cacheFolder: string, options: TestServerOptions): Promise<App> {
  const store = options.store ?? new MemoryObjectStore();
  const settings = readSettings({ port: '0', cache: cacheFolder, access: 'open', ...options.flags }, {});
  const log = createLogger(options.onLog === undefined ? 'silent' : 'debug', {
    write: options.onLog ?? (() => undefined),
  });
  // Another git may be able to do other things.
  const learned = options.flags?.git === undefined ? { learned: await learnedHere() } : {};
  return startApp(settings, { tls: undefined, serviceKey: SERVICE_SECRET }, log, {
    ...learned,
    ...options.overrides,
    stores: {
      control: store,
      bulk: store,
      ...(options.presignGet === undefined ? {} : { presignGet: options.presignGet }),
    },
  });
}

/** What servers of this process know, and the process that starts git for those of this test file. */
async function learnedHere(): Promise<Learned> {
  const { git, ...rest } = await learnOnce();
  return { ...rest, git: { ...git, launcher: launcherOfFile() } };
}

let learned: Promise<Learned> | undefined;

/** A dozen processes and the loading of the signature library, once for all servers of this process. */
export function learnOnce(): Promise<Learned> {
  learned ??= learn();
  return learned;
}

async function learn(): Promise<Learned> {
  await using folder = await tempDir();
  const git = new Git({ binary: 'git', home: folder.path });
  try {
    const limit = await usableMemoryLimit('git', 1024 ** 3, () => undefined);
    return {
      git: { version: await checkGitVersion(git), limitsMemory: limit.memory !== undefined },
      capabilities: await learnUploadCapabilities(git, folder.path),
      secp256k1: await loadSecp256k1(),
    };
  } finally {
    await git.close();
  }
}

/** The built program. */
export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Everything printed on standard error so far. */
  readonly log: () => string;
  /** Closes the pipe that it logs to: nobody reads its log any more. */
  readonly closeLog: () => void;
  /** Sends a signal and waits for the end; returns the exit code (null after a signal that killed). */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `cairn serve` as a process of its own and waits until it listens. Throws with its words when it does not. */
export async function spawnServer(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const child = spawn(MAIN, ['serve', '--port', '0', ...args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      CAIRN_ACCESS: 'open',
      CAIRN_SERVICE_KEY: SERVICE_KEY_FILE,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const url = await listeningUrl(child, () => stderr);
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    return ended;
  };
  return {
    url,
    pid: child.pid ?? 0,
    log: () => stderr,
    closeLog: () => void child.stderr.destroy(),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop('SIGKILL');
    },
  };
}

function listeningUrl(child: ChildProcess, stderr: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    child.stdout?.on('data', (text: Buffer) => {
      stdout += text.toString();
      const url = /^listening on (\S+)$/m.exec(stdout)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('close', (code) => reject(new Error(`the server ended with ${code}:\n${stderr()}`)));
  });
}
