/**
 * When one upload of a push failed, the answer was given and the quarantine dropped while the other was still reading
 * from it.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

it('no work continues after a push was answered', async () => {
  await using folder = await tempDir();
  const store = new FaultyStore(new MemoryObjectStore());
  await using server = await startServer({ store, overrides: { background: false } });
  const work = await new GitClient(folder.path).init('work');
  await work.commit('One', { a: '1\n' });
  const puts = (ending: string) => (call: { operation: string; key: string }) =>
    call.operation === 'put' && call.key.endsWith(ending);
  store.next(puts('.idx'), { does: 'unavailable' }, 5);
  store.next(puts('.pack'), { does: 'delay', milliseconds: 4_000 });
  const scratch = join(server.cacheFolder, 'scratch');
  const before = await readdir(scratch);
  const pushed = await work.try(['push', repositoryUrl(server, 'work'), 'main']);
  expect(pushed.stderr).toContain('did not accept');
  expect(store.log.filter((request) => request.end === undefined)).toEqual([]);
  await expect.poll(() => readdir(scratch)).toEqual(before);
  await work.run(['push', '--quiet', repositoryUrl(server, 'work'), 'main']);
});
