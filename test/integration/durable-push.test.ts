import { expect, it } from 'vitest';
import { FileObjectStore } from '../../src/object-store/file/file.ts';
import { GitClient } from '../helpers/git-client.ts';
import { eventually, query } from '../helpers/identity.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

it('a push needs a fixed number of fsyncs: each object once, each folder at most once', async () => {
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
  await using server = await startServer({ store, overrides: { background: false } });
  const receiptOf = (tip: string) =>
    eventually(
      () => query(server.url, { kinds: [30_618], '#d': ['durable'] }),
      ([receipt]) => receipt?.tags.some(([, oid]) => oid === tip) === true,
    );
  const work = await new GitClient(folder.path).init('work');
  const url = repositoryUrl(server, 'durable');
  await work.commit('first', { a: '1\n' });
  await work.run(['push', url, 'main']);
  await receiptOf(await work.oidOf('HEAD'));
  const second = await work.commit('second', { a: '2\n' });
  [files, folders] = [0, 0];
  await work.run(['push', url, 'main']);
  await receiptOf(second);
  // Pack, idx, manifest and pointer; their two folders, where writes side by side share what they can. Behind them, the
  // receipt and its folder.
  expect(files).toBe(5);
  expect(folders).toBeGreaterThanOrEqual(3);
  expect(folders).toBeLessThanOrEqual(5);
  await work.run(['ls-remote', url]);
  expect(files).toBe(5);
  await store.close();
});
