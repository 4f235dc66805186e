import { expect, it } from 'vitest';
import { FileObjectStore } from '../../src/object-store/file.ts';
import { GitClient } from '../helpers/git-client.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

it('makes a push durable with a fixed number of fsyncs: each object once, each folder at most once', async () => {
  await using folder = await tempDir();
  let files = 0;
  let folders = 0;
  const store = await FileObjectStore.open(`${folder.path}/data`, {
    fsync: async (handle) => {
      if ((await handle.stat()).isDirectory()) folders++;
      else files++;
      await handle.sync();
    },
  });
  await using server = await startServer({ store });
  const work = await new GitClient(folder.path).init('work');
  const url = repositoryUrl(server, 'durable');
  await work.commit('first', { a: '1\n' });
  await work.run(['push', url, 'main']);
  await work.commit('second', { a: '2\n' });
  [files, folders] = [0, 0];
  await work.run(['push', url, 'main']);
  // Pack, idx, manifest and pointer; their two folders, where writes side by side share what they can.
  expect(files).toBe(4);
  expect(folders).toBeGreaterThanOrEqual(2);
  expect(folders).toBeLessThanOrEqual(4);
  await work.run(['ls-remote', url]);
  expect(files).toBe(4);
  await store.close();
});
