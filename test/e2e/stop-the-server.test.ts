import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { repositoryUrl, spawnServer, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

it('a stopping server finishes a running push, accepts no new one, and then ends', async () => {
  await using folder = await tempDir();
  const store = new FaultyStore(new MemoryObjectStore());
  store.rules.push(({ operation, key }) =>
    operation === 'put' && key.endsWith('.pack') ? { does: 'delay', milliseconds: 1500 } : undefined,
  );
  await using server = await startServer({ store });
  const work = await new GitClient(folder.path).init('work');
  await work.commit('first', { a: '1\n' });
  const url = repositoryUrl(server, 'slow');
  const pushing = work.try(['push', url, 'main']);
  while (!store.log.some((request) => request.key.endsWith('.pack'))) await sleep(20);
  const closing = server.close();
  await sleep(100);
  expect((await work.try(['ls-remote', url])).exitCode).not.toBe(0);
  const push = await pushing;
  await closing;
  expect(push.stderr).toContain('main -> main');
  expect(push.exitCode).toBe(0);
  expect(server.git.running).toBe(0);
});

it('requests that still run at the end of the grace period are aborted', async () => {
  await using folder = await tempDir();
  const store = new FaultyStore(new MemoryObjectStore());
  store.rules.push(({ operation, key }) =>
    operation === 'put' && key.endsWith('.pack') ? { does: 'delay', milliseconds: 8_000 } : undefined,
  );
  await using server = await startServer({ store, flags: { 'shutdown-grace': '1' } });
  const work = await new GitClient(folder.path).init('work');
  await work.commit('first', { a: '1\n' });
  const pushing = work.try(['push', repositoryUrl(server, 'slow'), 'main']);
  while (!store.log.some((request) => request.key.endsWith('.pack'))) await sleep(20);
  await server.close();
  expect((await pushing).exitCode).not.toBe(0);
});

it('a server ends with exit code 0 on SIGTERM, SIGINT and SIGHUP', async () => {
  await using folder = await tempDir();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    await using server = await spawnServer([
      ...['--store', `file:${join(folder.path, 'data')}`],
      ...['--cache', join(folder.path, 'cache')],
    ]);
    expect(await server.stop(signal)).toBe(0);
  }
});
