import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { FossilClient } from './fossil.ts';

export interface StockFossilServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves a repository file by `fossil server` until it is disposed of. @param options more of its options */
export async function serveStock(
  { folder, user }: FossilClient,
  repository: string,
  ...options: string[]
): Promise<StockFossilServer> {
  const home = join(folder, 'home');
  for (let attempt = 1; attempt <= 5; attempt++) {
    const port = await freePort();
    const child = spawn('fossil', ['server', repository, '--localhost', '--port', String(port), ...options], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: home, FOSSIL_HOME: home, USER: user },
      stdio: ['ignore', 'pipe', 'pipe'],
      // It forks a child for each request; all of them end with the group.
      detached: true,
    });
    // Somebody else may have taken the port in between.
    if (!(await listens(child))) continue;
    return {
      url: `http://127.0.0.1:${port}/`,
      [Symbol.asyncDispose]: async () => {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      },
    };
  }
  throw new Error('fossil server does not start');
}

/** A port that nobody listens on at this moment: `fossil server` cannot choose one itself. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Whether the server listens; false if it has ended instead. */
function listens(child: ChildProcessByStdio<null, Readable, Readable>): Promise<boolean> {
  return new Promise((resolve) => {
    let said = '';
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Listening')) resolve(true);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', () => resolve(false));
    child.on('exit', () => resolve(false));
  });
}
