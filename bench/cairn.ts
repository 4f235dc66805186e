import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CairnError } from '../src/lib/errors.ts';
import { git } from './git-client.ts';
import type { Host } from './host.ts';
import { projectRoot } from './paths.ts';
import { startService } from './processes.ts';
import { startR2 } from './r2.ts';

/** Where Cairn keeps its data: a local folder, or S3 as miniflare's R2 endpoint speaks it. */
export type StoreKind = 'file' | 's3';

/** Anybody's key: with open access the owner is only a part of the path. */
const owner = 'be'.repeat(32);

/** Starts the built `cairn serve` as an operator would, with its data and cache under `folder`. */
export async function startCairn(folder: string, kind: StoreKind): Promise<Host> {
  const entry = join(projectRoot(), 'dist', 'main.js');
  if (!existsSync(entry)) throw new CairnError('unavailable', `${entry} is missing: run \`npm run build\``);
  await mkdir(folder, { recursive: true });
  const store = await (kind === 'file' ? fileStore(folder) : s3Store(folder));
  const args = [
    '--store',
    store.location,
    '--cache',
    join(folder, 'cache'),
    '--access',
    'open',
    '--port',
    '0',
  ];
  const log = join(folder, 'cairn.log');
  const service = await startService(entry, ['serve', ...args], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      CAIRN_SERVICE_KEY: join(folder, 'service.key'),
      ...store.env,
    },
    log,
    ready: /listening on (http:\/\/\S+)/,
  }).catch(async (error) => {
    await store.stop?.();
    throw error;
  });
  const urlOf = (identifier: string) => `${service.ready[1]}/git/${owner}/${identifier}.git`;
  return {
    pid: service.pid,
    // The first push makes the repository.
    create: async (identifier) => urlOf(identifier),
    async add(identifier, dataset) {
      await git(['-C', dataset.path, 'push', '--quiet', '--mirror', urlOf(identifier)]);
      return urlOf(identifier);
    },
    async stop() {
      await service.stop();
      await store.stop?.();
      await tellErrors(log);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Shows what a server logged as an error (level 50 and above), since its log goes with its folder. */
async function tellErrors(log: string): Promise<void> {
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => /"level":[56]0,/.test(line));
  if (lines.length > 0) process.stderr.write(`cairn logged:\n${lines.slice(-5).join('\n')}\n`);
}

interface Store {
  readonly location: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the store's own server, if it has one. */
  readonly stop?: () => Promise<void>;
}

function fileStore(folder: string): Store {
  return { location: `file:${join(folder, 'data')}`, env: {} };
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
