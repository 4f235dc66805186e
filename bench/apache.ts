import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CairnError } from '../src/lib/errors.ts';
import { git } from './git-client.ts';
import type { Host } from './host.ts';
import { run, startService } from './processes.ts';

/**
 * The reference: git's own `git http-backend` as a CGI program under Debian's Apache, on a local disk.
 *
 * - `cgid`: mpm_event with mod_cgid, what Debian sets up, for everything timed.
 * - `cgi`: mpm_prefork with mod_cgi, whose processes wait for git, so that git's CPU time can be read from
 *   /proc; cgid's daemon ignores its children and their time is lost. Not for short times: when git has
 *   closed its output but not yet ended, mod_cgi sleeps 46 ms before the connection's next request.
 */
export type Cgi = 'cgid' | 'cgi';

const program = '/usr/sbin/apache2';
const modules = '/usr/lib/apache2/modules';
/** Debian's cgit, for the rows of pages. Where it is missing, the other rows do without it. */
const cgit = '/usr/lib/cgit/cgit.cgi';

/** What a served repository is configured with, and why. */
const repositorySettings: Record<string, string> = {
  'http.receivepack': 'true',
  // As durable as Cairn: an acknowledged push has reached the disk. Git's default syncs packs only.
  'core.fsync': 'all',
  'core.fsyncMethod': 'fsync',
  // In the reference's favour: no push waits for `git gc --auto`.
  'receive.autogc': 'false',
};

export interface ReferenceHost extends Host {
  /** Lets something be done to a repository on disk, instead of by a client; then Apache may write to it again. */
  change(identifier: string, work: (path: string) => Promise<unknown>): Promise<void>;
}

/** Has git check the objects of a push, as Cairn does; by default it does not. */
export const CHECKS_OBJECTS: Readonly<Record<string, string>> = {
  'transfer.fsckObjects': 'true',
  'receive.fsckObjects': 'true',
};

/**
 * Starts Apache on a free loopback port, with its configuration and repositories under `folder`.
 * @param settings more settings of its repositories
 */
export async function startApache(
  folder: string,
  cgi: Cgi,
  settings: Readonly<Record<string, string>> = {},
): Promise<ReferenceHost> {
  if (!existsSync(program)) {
    throw new CairnError(
      'unavailable',
      `${program} is missing: run \`apt-get install apache2\` and try again`,
    );
  }
  const backend = join((await git(['--exec-path'])).stdout.trim(), 'git-http-backend');
  if (!existsSync(backend)) throw new CairnError('unavailable', `${backend} is missing`);
  const repositories = join(folder, 'repositories');
  await mkdir(repositories, { recursive: true });
  const port = await freePort();
  const log = join(folder, 'apache.log');
  const configuration = join(folder, 'apache.conf');
  await writeFile(configuration, configurationText({ cgi, folder, log, repositories, port, backend }));
  // Without a cache, its default: pages are made each time. Names keep their `.git`, as in URLs of git.
  await writeFile(join(folder, 'cgitrc'), `cache-size=0\nscan-path=${repositories}\n`);
  const service = await startService(program, ['-DFOREGROUND', '-f', configuration], {
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    log,
    ready: /resuming normal operations/,
  });

  const pathOf = (identifier: string) => join(repositories, `${identifier}.git`);

  async function initialize(identifier: string): Promise<string> {
    const path = pathOf(identifier);
    await git(['init', '--quiet', '--bare', '--initial-branch=main', path]);
    for (const [name, value] of Object.entries({ ...repositorySettings, ...settings })) {
      await git(['-C', path, 'config', name, value]);
    }
    return path;
  }

  /** Apache refuses to work as root; as root the repositories are given to the account it uses. */
  async function handOver(identifier: string): Promise<string> {
    if (isRoot()) await run('chown', ['-R', `${account}:${account}`, pathOf(identifier)]);
    return `http://127.0.0.1:${port}/git/${identifier}.git`;
  }

  return {
    pid: service.pid,
    async create(identifier) {
      await initialize(identifier);
      return handOver(identifier);
    },
    async add(identifier, source, upkeep = 'repacked') {
      const path = await initialize(identifier);
      await git(['-C', path, 'fetch', '--quiet', source.path, '+refs/*:refs/*']);
      const bitmaps = upkeep === 'bitmapped';
      // Asked for by name, because git writes bitmaps in bare repositories by default.
      await git(['-C', path, '-c', `repack.writeBitmaps=${bitmaps}`, 'repack', '-adq']);
      if (bitmaps) await git(['-C', path, 'commit-graph', 'write', '--reachable', '--no-progress']);
      await git(['-C', path, 'pack-refs', '--all']);
      return handOver(identifier);
    },
    async change(identifier, work) {
      await work(pathOf(identifier));
      await handOver(identifier);
    },
    async stop() {
      await service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The version Apache gives itself, for the report. */
export async function apacheVersion(): Promise<string> {
  const { stdout } = await run(program, ['-v']);
  return /Apache\/[\d.]+/.exec(stdout)?.[0] ?? 'unknown';
}

/** The account Debian's Apache uses. */
const account = 'www-data';

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function configurationText(options: {
  cgi: Cgi;
  folder: string;
  log: string;
  repositories: string;
  port: number;
  backend: string;
}): string {
  const needed = [
    options.cgi === 'cgi' ? 'mpm_prefork' : 'mpm_event',
    'authz_core',
    'alias',
    'env',
    options.cgi,
  ];
  return [
    ...needed.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`),
    `ServerRoot "${options.folder}"`,
    `DefaultRuntimeDir "${options.folder}"`,
    `PidFile "${options.folder}/apache.pid"`,
    `ErrorLog "${options.log}"`,
    'ServerName 127.0.0.1',
    `Listen 127.0.0.1:${options.port}`,
    ...(isRoot() ? [`User ${account}`, `Group ${account}`] : []),
    ...(options.cgi === 'cgid' ? [`ScriptSock "${options.folder}/cgi.sock"`] : []),
    'Timeout 600',
    // The default refuses bodies above 1 GiB.
    'LimitRequestBody 0',
    `SetEnv GIT_PROJECT_ROOT "${options.repositories}"`,
    'SetEnv GIT_HTTP_EXPORT_ALL 1',
    'SetEnv GIT_CONFIG_NOSYSTEM 1',
    `ScriptAlias /git/ "${options.backend}/"`,
    ...(existsSync(cgit)
      ? [`SetEnv CGIT_CONFIG "${options.folder}/cgitrc"`, `ScriptAlias /cgit/ "${cgit}/"`]
      : []),
    '<LocationMatch "^/c?git/">',
    '  Require all granted',
    '</LocationMatch>',
    '',
  ].join('\n');
}

/** A port the kernel has just given out and taken back. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string')
    throw new CairnError('unavailable', 'no free loopback port');
  return address.port;
}
