import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GitClient } from '../helpers/git-client.ts';
import { type Hosted, hosted, type Place, PROTOCOL_VERSIONS, speaking } from '../helpers/hosted.ts';
import { importCommits } from '../helpers/import-commits.ts';
import { eachStore } from '../helpers/stores.ts';

/** Makes a repository with a small file, a large one and one in a folder, all of them in an older version, too. */
async function publishFiles(cairn: Hosted): Promise<Place & { readonly author: GitClient }> {
  const place = await cairn.place();
  const author = await place.user.init('author');
  await importCommits(author, ['Begin', 'Go on'], (at) => {
    const age = at === 0 ? 'old' : 'new';
    return { small: `${age}\n`, large: `${age}\n`.repeat(1000), 'dir/deep': `${age} deep\n` };
  });
  await author.run(['push', '--quiet', place.url, 'main']);
  return { ...place, author };
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
  let url: string;
  let user: GitClient;
  let clones = 0;

  /** A name no other test clones into. */
  const freshName = () => `clone-${clones++}`;

  beforeAll(async () => {
    ({ url, user } = await publishFiles(cairn));
  });

  describe.each(PROTOCOL_VERSIONS)('git with protocol v%i', (version) => {
    it.each([
      { filter: 'blob:none', blobs: 0, trees: 4 },
      { filter: 'blob:limit=1k', blobs: 4, trees: 4 },
      { filter: 'tree:0', blobs: 0, trees: 0 },
      { filter: 'tree:1', blobs: 0, trees: 2 },
      { filter: 'object:type=commit', blobs: 0, trees: 0 },
      { filter: 'combine:blob:none+tree:1', blobs: 0, trees: 2 },
    ])('leaves out the objects of $filter', async ({ filter, blobs, trees }) => {
      const clone = await user
        .with(speaking(version))
        .clone(url, freshName(), '--bare', `--filter=${filter}`);

      expect({ blobs: await count(clone, 'blob'), trees: await count(clone, 'tree') }).toEqual({
        blobs,
        trees,
      });
      expect(await count(clone, 'commit')).toBe(2);
    });

    it.each(['blob:none', 'tree:0'])(
      'fetches objects that %s left out when they are needed',
      async (filter) => {
        const reader = user.with(speaking(version));

        const clone = (await reader.clone(url, freshName(), `--filter=${filter}`)).with(speaking(version));

        expect(await readFile(join(clone.folder, 'dir/deep'), 'utf8')).toBe('new deep\n');
        expect(await count(clone, 'blob')).toBe(3);
        expect(await clone.run(['show', 'HEAD~1:small'])).toBe('old');
        expect(await clone.run(['diff', '--stat', 'HEAD~1'])).toContain('3 files changed');
        await clone.run(['fsck', '--strict']);
      },
    );

    it('names an unsupported filter', async () => {
      const filter = '--filter=sparse:oid=main:small';

      const refused = await user.with(speaking(version)).try(['clone', '--bare', filter, url, freshName()]);

      expect(refused.exitCode).toBe(128);
      expect(refused.stderr).toContain("filter 'sparse:oid' not supported");
    });
  });

  it('pulls into, commits in and pushes from a partial clone', async () => {
    const { url, user, author } = await publishFiles(cairn);
    const clone = await user.clone(url, 'clone', '--filter=blob:none', '--sparse');
    await author.commit('Third', { 'dir/deep': 'third deep\n' });
    await author.run(['push', '--quiet', url, 'main']);

    await clone.run(['pull', '--quiet', '--ff-only']);
    const mine = await clone.commit('Mine', { mine: 'mine\n' });
    await clone.run(['push', '--quiet']);

    await author.run(['pull', '--quiet', '--ff-only', url, 'main']);
    expect(await author.oidOf('HEAD')).toBe(mine);
    expect(await author.run(['show', 'HEAD:dir/deep'])).toBe('third deep');
    await author.run(['fsck', '--strict']);
  });

  it('can be shallow and partial', async () => {
    const clone = await user.clone(url, freshName(), '--bare', '--depth=1', '--filter=tree:0');

    expect(await count(clone, 'commit')).toBe(1);
    expect(await count(clone, 'tree')).toBe(0);
  });
});
