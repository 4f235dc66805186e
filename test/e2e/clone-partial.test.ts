import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GitClient } from '../helpers/git-client.ts';
import { type Hosted, hosted, PROTOCOL_VERSIONS, speaking } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

/** A repository with two commits, a small file, a large one, and one in a folder, each with an older version. */
async function someFiles(cairn: Hosted): Promise<{ url: string; user: GitClient; author: GitClient }> {
  const { url, user } = await cairn.place();
  const author = await user.init('author');
  await author.commit('Begin', { small: 'old\n', large: 'old\n'.repeat(1000), 'dir/deep': 'old deep\n' });
  await author.commit('Go on', { small: 'new\n', large: 'new\n'.repeat(1000), 'dir/deep': 'new deep\n' });
  await author.run(['push', '--quiet', url, 'main']);
  return { url, user, author };
}

/** How many objects of a type a repository has itself; none are fetched for asking. */
async function count(repository: GitClient, type: string): Promise<number> {
  const listed = await repository.run([
    'cat-file',
    '--batch-all-objects',
    '--batch-check=%(objecttype)',
    '--unordered',
  ]);
  return listed.split('\n').filter((line) => line === type).length;
}

eachStore('cloning without all objects', (openStore) => {
  const cairn = hosted(openStore);

  describe.each(PROTOCOL_VERSIONS)('with protocol v%i', (version) => {
    it.each([
      { filter: 'blob:none', blobs: 0, trees: 4 },
      { filter: 'blob:limit=1k', blobs: 4, trees: 4 },
      { filter: 'tree:0', blobs: 0, trees: 0 },
      { filter: 'tree:1', blobs: 0, trees: 2 },
      { filter: 'object:type=commit', blobs: 0, trees: 0 },
      { filter: 'combine:blob:none+tree:1', blobs: 0, trees: 2 },
    ])('leaves out what $filter says', async ({ filter, blobs, trees }) => {
      const { url, user } = await someFiles(cairn);

      const clone = await user.with(speaking(version)).clone(url, 'clone', '--bare', `--filter=${filter}`);

      expect({ blobs: await count(clone, 'blob'), trees: await count(clone, 'tree') }).toEqual({
        blobs,
        trees,
      });
      expect(await count(clone, 'commit')).toBe(2);
    });

    it.each(['blob:none', 'tree:0'])('fetches what %s left out when it is needed', async (filter) => {
      const { url, user } = await someFiles(cairn);
      const reader = user.with(speaking(version));

      const clone = (await reader.clone(url, 'clone', `--filter=${filter}`)).with(speaking(version));

      expect(await readFile(join(clone.folder, 'dir/deep'), 'utf8')).toBe('new deep\n');
      expect(await count(clone, 'blob')).toBe(3);
      expect(await clone.run(['show', 'HEAD~1:small'])).toBe('old');
      expect(await clone.run(['diff', '--stat', 'HEAD~1'])).toContain('3 files changed');
      await clone.run(['fsck', '--strict']);
    });

    it('names the filter that the server does not support', async () => {
      const { url, user } = await someFiles(cairn);
      const filter = '--filter=sparse:oid=main:small';

      const refused = await user.with(speaking(version)).try(['clone', '--bare', filter, url, 'clone']);

      expect(refused.exitCode).toBe(128);
      expect(refused.stderr).toContain("filter 'sparse:oid' not supported");
    });
  });

  it('pulls into, commits in and pushes from a partial clone', async () => {
    const { url, user, author } = await someFiles(cairn);
    const clone = await user.clone(url, 'clone', '--filter=blob:none', '--sparse');
    await author.commit('Third', { 'dir/deep': 'third deep\n' });
    await author.run(['push', '--quiet', url, 'main']);

    await clone.run(['pull', '--quiet', '--ff-only']);
    const mine = await clone.commit('Mine', { mine: 'mine\n' });
    await clone.run(['push', '--quiet']);

    await author.run(['pull', '--quiet', '--ff-only', url, 'main']);
    expect(await author.run(['rev-parse', 'HEAD'])).toBe(mine);
    expect(await author.run(['show', 'HEAD:dir/deep'])).toBe('third deep');
    await author.run(['fsck', '--strict']);
  });

  it('is both shallow and partial', async () => {
    const { url, user } = await someFiles(cairn);

    const clone = await user.clone(url, 'clone', '--bare', '--depth=1', '--filter=tree:0');

    expect(await count(clone, 'commit')).toBe(1);
    expect(await count(clone, 'tree')).toBe(0);
  });
});
