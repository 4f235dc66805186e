import { copyFile, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CairnError } from '../../src/lib/errors.ts';
import { type Service, startService } from '../processes.ts';
import type { FossilDataset } from './fossil-dataset.ts';
import { fossil, fossilEnvironment, fossilProgram } from './fossil-program.ts';

/** The reference of the Fossil rows: the stock `fossil server` over a folder of repositories. */
export interface FossilHost {
  readonly pid: number;
  /** An empty repository of a project, into which anybody may push; its URL. */
  create(name: string, projectCode: string): Promise<string>;
  /** A copy of a generated repository; its URL. */
  add(name: string, dataset: FossilDataset): Promise<string>;
  stop(): Promise<void>;
}

/** Starts the stock server on a free loopback port, with its repositories under `folder`. */
export async function startFossil(folder: string): Promise<FossilHost> {
  const repositories = join(folder, 'repositories');
  const home = join(folder, 'home');
  await mkdir(repositories, { recursive: true });
  await mkdir(home, { recursive: true });
  const port = await freePort();
  const service: Service = await startService(
    fossilProgram,
    ['server', '--localhost', '--port', `${port}`, '--nojail', '--repolist', repositories],
    {
      env: fossilEnvironment(home),
      log: join(folder, 'fossil.log'),
      ready: /Listening for HTTP requests/,
    },
  );
  await answered(port);

  const pathOf = (name: string) => join(repositories, `${name}.fossil`);
  /** Anybody may clone, pull and push: rows without passwords cost both sides the least. */
  async function open(name: string): Promise<string> {
    await fossil(home, ['user', 'capabilities', 'nobody', 'gjorziy', '-R', pathOf(name)]);
    return `http://127.0.0.1:${port}/${name}`;
  }
  return {
    pid: service.pid,
    async create(name, projectCode) {
      await fossil(home, ['new', '--sha1', pathOf(name)]);
      const statements = [
        `UPDATE config SET value = '${projectCode}' WHERE name = 'project-code'`,
        // The check-in that `new` makes would be in no other repository of the project.
        'DELETE FROM blob',
        'DELETE FROM event',
        'DELETE FROM leaf',
        'DELETE FROM unclustered',
        'DELETE FROM unsent',
        'DELETE FROM tagxref',
      ];
      await fossil(home, ['sql', '-R', pathOf(name), `${statements.join('; ')};`]);
      return open(name);
    },
    async add(name, dataset) {
      await copyFile(dataset.path, pathOf(name));
      return open(name);
    },
    async stop() {
      await service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new CairnError('unavailable', 'no free port');
  return address.port;
}

async function answered(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      return;
    } catch {
      // Not listening yet.
      await setTimeout(50);
    }
  }
  throw new CairnError('unavailable', 'fossil server does not answer');
}
